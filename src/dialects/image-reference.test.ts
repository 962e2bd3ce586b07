import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageReference } from './image-reference.ts';

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
  for (const reference of references) assert.deepEqual(imageReference(reference), { ok: true, value: reference }, reference);
});

test('says what is wrong with a reference, and what one looks like', () => {
  const [problem] = refusals('rohan/My-Image');
  assert.equal(problem?.code, 'BAD_IMAGE');
  assert.match(problem?.message ?? '', /^"rohan\/My-Image" has capital letters/);
  assert.match(problem?.hint ?? '', /node:24/);
});

test('says that variables have no meaning in a reference', () => {
  assert.match(refusals('app:$VERSION')[0]?.hint ?? '', /Variables/);
});

const refusals = (text: string) => {
  const answer = imageReference(text);
  return answer.ok ? [] : answer.problems;
};
