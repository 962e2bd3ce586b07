import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatImageReference, parseImageReference } from './image-reference.ts';

const sha256 = `sha256:${'0123456789abcdef'.repeat(4)}`;

/** Text, registry, repository, tag, digest, and the form in which it is printed. */
const good: readonly (readonly [string, string, string, string | undefined, string | undefined, string])[] = [
  ['busybox', 'docker.io', 'library/busybox', 'latest', undefined, 'busybox:latest'],
  ['busybox:1.36', 'docker.io', 'library/busybox', '1.36', undefined, 'busybox:1.36'],
  ['alpine/git', 'docker.io', 'alpine/git', 'latest', undefined, 'alpine/git:latest'],
  ['library/busybox', 'docker.io', 'library/busybox', 'latest', undefined, 'busybox:latest'],
  ['docker.io/busybox', 'docker.io', 'library/busybox', 'latest', undefined, 'busybox:latest'],
  ['index.docker.io/library/node:24', 'docker.io', 'library/node', '24', undefined, 'node:24'],
  ['localhost/x', 'localhost', 'x', 'latest', undefined, 'localhost/x:latest'],
  ['localhost:5000/x', 'localhost:5000', 'x', 'latest', undefined, 'localhost:5000/x:latest'],
  ['127.0.0.1:5000/team/app:v1', '127.0.0.1:5000', 'team/app', 'v1', undefined, '127.0.0.1:5000/team/app:v1'],
  ['[::1]:5000/app', '[::1]:5000', 'app', 'latest', undefined, '[::1]:5000/app:latest'],
  [
    'registry.example.com/a/b/c_d-e.f__g',
    'registry.example.com',
    'a/b/c_d-e.f__g',
    'latest',
    undefined,
    'registry.example.com/a/b/c_d-e.f__g:latest',
  ],
  [
    '123.dkr.ecr.eu-west-1.amazonaws.com/app:T',
    '123.dkr.ecr.eu-west-1.amazonaws.com',
    'app',
    'T',
    undefined,
    '123.dkr.ecr.eu-west-1.amazonaws.com/app:T',
  ],
  [`busybox@${sha256}`, 'docker.io', 'library/busybox', undefined, sha256, `busybox@${sha256}`],
  [`ghcr.io/o/i:2@${sha256}`, 'ghcr.io', 'o/i', '2', sha256, `ghcr.io/o/i:2@${sha256}`],
  ['team/library/app', 'docker.io', 'team/library/app', 'latest', undefined, 'team/library/app:latest'],
  ['REGISTRY/app', 'REGISTRY', 'app', 'latest', undefined, 'REGISTRY/app:latest'],
];

const bad: readonly (readonly [string, RegExp])[] = [
  ['', /is empty/],
  [' busybox', /white space/],
  ['Busybox', /capital letters in "Busybox"/],
  ['team/App', /capital letters in "App"/],
  ['busybox:', /nothing after the colon/],
  ['busybox:a b', /white space/],
  ['busybox:-x', /tag "-x"/],
  [`busybox:${'x'.repeat(129)}`, /up to 128/],
  ['busybox:1:2', /tag "1:2"/],
  ['busybox@sha256:abc', /digest/],
  [`busybox@${sha256}@${sha256}`, /more than one @/],
  [`busybox@${sha256.toUpperCase()}`, /digest/],
  ['https://example.com/app', /has no scheme/],
  ['a//b', /empty part/],
  ['/app', /empty part/],
  ['app/', /empty part/],
  ['localhost:5000/', /has no name/],
  ['localhost:port/app', /registry "localhost:port"/],
  ['example.com:99999/app', /registry/],
  ['-app', /"-app"/],
  ['a..b/c', /registry "a..b"/],
  ['app$x', /"app\$x"/],
  ['é', /"é"/],
  ['0123456789abcdef'.repeat(4), /image id/],
  [`example.com/${'a'.repeat(250)}`, /255/],
];

describe('an image reference', () => {
  for (const [text, registry, repository, tag, digest, printed] of good) {
    it(`${text} is ${printed} at ${registry} (R-CIO-26)`, () => {
      const parsed = parseImageReference(text);
      assert.ok(parsed.ok);
      const expected = { registry, repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
      assert.deepEqual(parsed.image, expected);
      assert.equal(formatImageReference(parsed.image), printed);
      assert.deepEqual(parseImageReference(printed), parsed);
    });
  }

  for (const [text, message] of bad) {
    it(`${JSON.stringify(text.slice(0, 40))} is refused with the reason`, () => {
      const parsed = parseImageReference(text);
      assert.ok(!parsed.ok);
      assert.match(parsed.message, message);
    });
  }
});

it('is quick with long nonsense', () => {
  const long = ['a.'.repeat(200_000), '-'.repeat(400_000), `${'a'.repeat(400_000)}!`, 'a/'.repeat(200_000), `${'a-'.repeat(200_000)}.x/y!`];
  for (const nonsense of long) assert.equal(parseImageReference(nonsense).ok, false);
});
