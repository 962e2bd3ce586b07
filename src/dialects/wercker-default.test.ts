import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { suggestWercker } from './wercker-default.ts';

type Suggested = {
  readonly box: string;
  readonly build: { readonly steps: readonly { readonly script: { readonly name: string; readonly code: string } }[] };
};

const suggested = (files: Readonly<Record<string, string>>): Suggested => {
  const text = suggestWercker(Object.keys(files), (path) => files[path]);
  assert.ok(text !== undefined);
  return parse(text) as Suggested;
};
const shapeOf = ({ box, build }: Suggested) => [box, ...build.steps.map(({ script }) => script.name)];

test('a project of Node, Ruby, Go or Python gets a wercker.yml that builds and tests it', () => {
  assert.deepEqual(shapeOf(suggested({ 'package.json': '{"scripts":{"test":"node --test"}}', '.nvmrc': 'v22\n' })), [
    'node:22',
    'build',
    'test',
  ]);
  assert.deepEqual(shapeOf(suggested({ Gemfile: '', 'spec/a_spec.rb': '' })), ['ruby:3', 'build', 'test']);
  assert.deepEqual(shapeOf(suggested({ 'go.mod': 'module x\n\ngo 1.22\n' })), ['golang:1.22', 'build', 'test']);
  assert.deepEqual(shapeOf(suggested({ 'requirements.txt': '' })), ['python:3', 'build']);
});

test('what a build makes goes where wercker looks for it', () => {
  const [build] = suggested({ 'go.mod': 'module x\n' }).build.steps;
  assert.equal(build?.script.code, 'go build -o "$WERCKER_OUTPUT_DIR/" ./...\n');
});

test('a project of another kind gets none', () => {
  for (const files of [{}, { Makefile: 'all:\n' }, { 'Cargo.toml': '' }]) {
    assert.equal(
      suggestWercker(Object.keys(files), () => ''),
      undefined,
    );
  }
});
