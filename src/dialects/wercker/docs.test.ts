import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { werckerSchema } from './configuration.ts';
import { werckerDialect } from './wercker.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/dialects/wercker.md'), 'utf8');

test('every example of the page about the language compiles', () => {
  const examples = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
  assert.ok(examples.length > 2);
  for (const example of examples) {
    const compiled = werckerDialect.compile([{ path: 'wercker.yml', bytes: Buffer.from(example) }]);
    assert.deepEqual(compiled.ok ? compiled.warnings : compiled.problems, [], example);
  }
});

test('the page names every key of the language', () => {
  const keys = [...JSON.stringify(werckerSchema()).matchAll(/"([a-z-]+)":\{"description"/g)].map((match) => match[1] ?? '');
  assert.ok(keys.length > 30);
  for (const key of keys) assert.ok(page.includes(`\`${key}\``) || page.includes(`"${key}"`), key);
});
