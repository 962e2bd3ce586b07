import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { virtualClock } from '../lib/virtual-clock.ts';
import { memoryResults } from '../results/memory/memory-results.ts';
import { ResultsError } from '../results/results-error.ts';
import type { Results } from '../results/results.ts';
import { makeBudget } from './budget.ts';
import { makePatience } from './patience.ts';
import { spooledResults } from './spooled-results.ts';

const key = { run: 'run_1', stage: 'build', attempt: 1 } as const;

/** Results whose readers lose their connection after each chunk, the first of them before. */
const lossy = (results: Results): Results => {
  let isFirst = true;
  const lost = (): ResultsError => new ResultsError('RESULTS_UNREACHABLE', 'The server cannot be reached.');
  return {
    ...results,
    readLog: async function* (of, options) {
      if (isFirst) {
        isFirst = false;
        throw lost();
      }
      for await (const chunk of results.readLog(of, options)) {
        yield chunk;
        throw lost();
      }
    },
  };
};

it('a log is read to its end, every byte once, from a server that is away again and again (atk-75)', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'cion-spooled-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const gone = new AbortController().signal;
  const clock = virtualClock({ whenIdle: 'run' });
  const results = spooledResults({
    results: lossy(memoryResults()),
    directory,
    budget: makeBudget(1024),
    patience: makePatience(clock, () => 0),
    gone,
    ready: async () => {},
  });
  const log = await results.begin(key, 0);
  for (const text of ['one\n', 'two\n', 'three\n']) await log.append({ stream: 'stdout', at: 0, bytes: Buffer.from(text) });
  await log.close();
  const read: Uint8Array[] = [];
  for await (const { bytes } of results.readLog(key, { from: 1, follow: false, signal: gone })) read.push(bytes);
  assert.equal(Buffer.concat(read).toString(), 'ne\ntwo\nthree\n');
});
