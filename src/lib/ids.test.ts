import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { isRunId, newRunId } from './ids.ts';

describe('run ids', () => {
  it('are unique among 1,000 made by several processes at one moment (R-DCK-102)', async () => {
    const script = `import { newRunId } from ${JSON.stringify(new URL('./ids.ts', import.meta.url).href)};
      for (let i = 0; i < 250; i++) console.log(newRunId(1_800_000_000_000));`;
    const made = [1, 2, 3, 4].map(() => promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]));
    const ids = (await Promise.all(made)).flatMap(({ stdout }) => stdout.trim().split('\n'));
    assert.equal(new Set(ids).size, 1000);
    assert.ok(ids.every(isRunId));
  });

  it('sort by the time of their making, also within one millisecond and when the clock goes back (R-DCK-102)', () => {
    const times = [1_800_000_000_000, 1_800_000_000_000, 1_800_000_000_000, 1_800_000_000_001, 1_700_000_000_000, 1_900_000_000_000];
    const ids = times.map((time) => newRunId(time));
    assert.deepEqual(ids.toSorted(), ids);
  });
});
