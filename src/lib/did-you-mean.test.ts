import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, nearestWord } from './did-you-mean.ts';

const keys = ['image', 'env', 'cmd', 'services', 'silent-timeout'];

test('finds the word that was meant', () => {
  assert.equal(nearestWord('imgae', keys), 'image');
  assert.equal(nearestWord('Image', keys), 'image');
  assert.equal(nearestWord('service', keys), 'services');
  assert.equal(nearestWord('silent_timeout', keys), 'silent-timeout');
  assert.equal(nearestWord('volumes', keys), undefined);
  assert.equal(nearestWord('', keys), undefined);
});

test('lists the known words when none is near and they are few', () => {
  assert.equal(didYouMean('imgae', keys), 'Did you mean "image"?');
  assert.equal(didYouMean('volumes', ['a', 'b']), 'Known are: "a", "b".');
  assert.equal(didYouMean('volumes', []), undefined);
});

test('does not compare very long words', () => {
  assert.equal(nearestWord('a'.repeat(200_000), [`${'a'.repeat(199_999)}b`]), undefined);
});
