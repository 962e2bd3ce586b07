import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cionDialect } from './cion.ts';
import { releaseSection } from './sections.ts';
import { stages } from './stages.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/dialects/cion.md'), 'utf8');

test('every example of the page about the language compiles', () => {
  const examples = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
  assert.ok(examples.length > 5);
  for (const example of examples) {
    const compiled = cionDialect.compile([{ path: '.cion.yml', bytes: Buffer.from(example) }]);
    assert.deepEqual(compiled.ok ? [] : compiled.problems, [], example);
  }
});

test('the page names every key of the language', () => {
  const keys = [...JSON.stringify([releaseSection.schema, stages.schema]).matchAll(/"([a-z-]+)":\{"description"/g)].map(
    (match) => match[1] ?? '',
  );
  assert.ok(keys.length > 15);
  for (const key of keys) assert.ok(page.includes(`\`${key}\``), key);
});
