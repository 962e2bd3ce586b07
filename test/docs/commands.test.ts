import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commandsDoc } from '../../scripts/commands-doc.ts';

test('docs/commands.md says what the command definitions say; node scripts/commands-doc.ts brings it in step (R-WRK-04)', () => {
  assert.equal(readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8'), commandsDoc());
});

test('each user story of the overview names a test that is there (R-WRK-02, R-WRK-03, R-WRK-05)', () => {
  const at = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const overview = at('docs/overview.md');
  const stories = overview.split('\n').filter((line) => line.includes('.test.ts`'));
  assert.ok(stories.length > 5);
  for (const story of stories) {
    const [, name = '', file = ''] = /(?:"([^"]+)" in )?`([^`]+\.test\.ts)`/.exec(story) ?? [];
    assert.ok(at(file).includes(`test('${name}`), story);
  }
  assert.match(overview, /\]\(\.\.\/ARCHITECTURE\.md\)/);
});
