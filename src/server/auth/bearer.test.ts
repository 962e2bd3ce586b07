import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasBearer, hashOf, isSame, newBearer, withoutBearers } from './bearer.ts';

test('a token says what it is, has 256 random bits, and is known only by its hash', () => {
  const token = newBearer('worker');
  assert.match(token, /^cion_worker_[A-Za-z0-9_-]{43}$/);
  assert.match(newBearer('account'), /^cion_[A-Za-z0-9_-]{43}$/);
  assert.notEqual(token, newBearer('worker'));
  assert.match(hashOf(token), /^[0-9a-f]{64}$/);
});

test('texts are compared whatever their lengths', () => {
  assert.equal(isSame('abc', 'abc'), true);
  assert.equal(isSame('abc', 'abcd'), false);
  assert.equal(isSame('', 'a'), false);
});

test('atk-65: a token in the text of an address is seen, and taken out of what is logged', () => {
  for (const kind of ['account', 'worker', 'setup'] as const) {
    const url = `/api/runs?token=${newBearer(kind)}&limit=3`;
    assert.equal(hasBearer(url), true);
    assert.equal(withoutBearers(url), '/api/runs?token=cion_…&limit=3');
  }
  assert.equal(hasBearer('/api/projects/acme/cion_tools'), false);
});
