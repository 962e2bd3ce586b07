import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commandsDoc } from '../../scripts/commands-doc.ts';

test('docs/commands.md says what the command definitions say; node scripts/commands-doc.ts brings it in step', () => {
  assert.equal(readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8'), commandsDoc());
});
