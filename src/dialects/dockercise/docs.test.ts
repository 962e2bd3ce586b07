import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dockerciseDialect } from './dockercise.ts';
import { stageFields } from './stage-keys.ts';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/dialects/dockercise.md'), 'utf8');

const problemsOf = (text: string) => {
  const compiled = dockerciseDialect.compile([{ path: 'ci.dockercise.yaml', bytes: Buffer.from(text) }]);
  return compiled.ok ? [] : compiled.problems;
};

test('every example of the page about the language compiles', () => {
  const examples = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
  assert.ok(examples.length > 5);
  for (const example of examples) assert.deepEqual(problemsOf(example), [], example);
});

test('the page names every key of the language', () => {
  for (const key of [
    ...Object.keys(stageFields),
    'after',
    'meta',
    'name',
    'subgraphs',
    'stage',
    'outside',
    'secret',
    'encrypted',
    'build',
    'file',
    'who',
    'pipeline',
  ]) {
    assert.match(page, new RegExp(`[\`{ ]${key}[\`: ]`), key);
  }
});
