import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseImageReference } from './image-reference.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

test('accepts any registry reference (R-CIO-26)', () => {
  const references = [
    'busybox',
    'busybox:latest',
    'rohan/my-build-image',
    'node:24.1-alpine3.21',
    'localhost:5000/a/b:v1',
    'localhost/a',
    '[::1]:5000/a',
    'ghcr.io/owner/image',
    `registry.example.com:5000/team/app:1.2@${digest}`,
    `busybox@${digest}`,
    'a__b/c--d/e.f_g',
    'EU.example.com/app',
  ];
  for (const reference of references) assert.deepEqual(parseImageReference(reference), { ok: true, value: reference }, reference);
});

test('says what is wrong with a reference', () => {
  const hints: readonly (readonly [string, RegExp])[] = [
    ['my image', /white space/],
    ['https://example.com/app', /:\/\//],
    ['docker://app', /:\/\//],
    ['app:$VERSION', /Variables/],
    ['Rohan', /lower case: "rohan"/],
    ['rohan/My-Image', /lower case: "rohan\/my-image"/],
    ['app:', /tag/],
    [`app:${'x'.repeat(129)}`, /tag/],
    ['app:-x', /tag/],
    ['app@sha256:abc', /digest/],
    [`app@${digest}@${digest}`, /digest/],
    ['app@', /digest/],
    ['/app', /a name/],
    ['app/', /a name/],
    ['a//b', /a name/],
    ['-app', /a name/],
    ['a___b', /a name/],
    ['a..b', /a name/],
    [':tag', /a name/],
    ['exa_mple.com:5000/app', /host name/],
    ['a'.repeat(256), /255/],
    ['größe', /a name/],
  ];
  for (const [reference, expected] of hints) {
    const answer = parseImageReference(reference);
    assert.match(answer.ok ? 'accepted' : (answer.problems[0]?.hint ?? ''), expected, reference);
  }
});

test('is quick with long nonsense', () => {
  for (const nonsense of ['a.'.repeat(200_000), '-'.repeat(400_000), `${'a'.repeat(400_000)}!`, 'a/'.repeat(200_000)]) {
    assert.equal(parseImageReference(nonsense).ok, false);
  }
});
