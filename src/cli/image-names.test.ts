import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageNames } from './image-names.ts';

test('an image of a build is kept here under its project and its number', () => {
  assert.deepEqual(imageNames('My App', {}), ['cion-builds/my-app:{id}']);
  assert.deepEqual(imageNames('...', { commit: [true] }), ['cion-builds/project:{id}']);
});

test('the build id names the image of the build', () => {
  assert.deepEqual(imageNames('app', {}, 'B7.x'), ['cion-builds/app:{id}', 'wercker/b7-x:latest']);
});

test('an image for a registry is tagged with the build id, latest, and green or red', () => {
  const registry = 'registry.example.com:5000/team/app';
  assert.deepEqual(imageNames('app', { registry, push: true }), [`${registry}:{run}`, `${registry}:latest`, `${registry}:{outcome}`]);
  assert.deepEqual(imageNames('app', { registry, push: true }, 'B7'), [`${registry}:B7`, `${registry}:latest`, `${registry}:{outcome}`]);
});

test('what is pushed has no name that would lead to a registry that nobody named', () => {
  assert.deepEqual(imageNames('app', { commit: ['localhost:5000/app:{run}'], push: true }), ['localhost:5000/app:{run}']);
  assert.throws(() => imageNames('app', { push: true }), { code: 'USAGE' });
});

test('names of images are whole, or refused', () => {
  assert.deepEqual(imageNames('app', { commit: ['team/app', 'team/app:{outcome}'] }).slice(1), ['team/app:latest', 'team/app:{outcome}']);
  for (const name of ['team/App', 'team/app:a b', '', `team/app@sha256:${'0'.repeat(64)}`]) {
    assert.throws(() => imageNames('app', { commit: [name] }), { code: 'USAGE' }, name);
  }
  for (const registry of ['https://registry.example.com/app', 'registry.example.com/app:1']) {
    assert.throws(() => imageNames('app', { registry }), { code: 'USAGE' }, registry);
  }
});
