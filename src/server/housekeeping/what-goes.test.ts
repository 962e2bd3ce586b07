import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FinishedRun, leastMs, whatGoes } from './what-goes.ts';

const now = Date.UTC(2026, 10, 21);
const dayMs = 86_400_000;
const nothing: ReadonlySet<string> = new Set();

/** Run 1 is the newest; each finished a day before the next. */
const runs = (...outcomes: readonly (FinishedRun['outcome'] & string)[]): readonly FinishedRun[] =>
  outcomes.map((outcome, index) => ({ run: `${index + 1}`, pipeline: 'main', outcome, finishedAt: now - (index + 1) * dayMs }));
const gone = (...given: Parameters<typeof whatGoes>): readonly string[] => whatGoes(...given).map(({ run }) => run);

test('so many runs of a project are kept, none that is too old', () => {
  const failed = runs('failed', 'failed', 'failed', 'failed');
  assert.deepEqual(gone(failed, { runs: 2, ms: 90 * dayMs }, { now, pinned: nothing }), ['3', '4']);
  assert.deepEqual(gone(failed, { runs: 500, ms: 3 * dayMs }, { now, pinned: nothing }), ['4']);
  assert.deepEqual(gone(failed, { runs: 500, ms: 90 * dayMs }, { now, pinned: nothing }), []);
});

test('of each pipeline the newest that passed is kept, however old it is; older ones are not (R-WRK-55)', () => {
  const all = [...runs('failed', 'passed', 'passed'), { ...runs('passed')[0], run: 'x', pipeline: 'other' } as FinishedRun];
  assert.deepEqual(gone(all, { runs: 0, ms: 0 }, { now, pinned: nothing }), ['1', '3']);
});

test('what is pinned stays, and what finished within the hour', () => {
  const failed = runs('failed', 'failed');
  assert.deepEqual(gone(failed, { runs: 0, ms: 0 }, { now, pinned: new Set(['2']) }), ['1']);
  const fresh = [{ run: 'f', pipeline: 'main', outcome: 'failed', finishedAt: now - leastMs }] as const;
  assert.deepEqual(gone(fresh, { runs: 0, ms: 0 }, { now, pinned: nothing }), []);
  assert.deepEqual(gone(fresh, { runs: 0, ms: 0 }, { now: now + 1, pinned: nothing }), ['f']);
});

test('whatever there is: at most what is asked for is left besides what is pinned, green or fresh, and it is the newest', () => {
  const run = fc.record({ outcome: fc.constantFrom('passed', 'failed'), age: fc.integer({ min: 0, max: 200 }), isPinned: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(run, { maxLength: 30 }),
      fc.integer({ min: 0, max: 10 }),
      fc.integer({ min: 0, max: 100 }),
      (given, keep, days) => {
        const sorted = [...given].sort((one, other) => one.age - other.age);
        const finished = sorted.map(({ outcome, age }, index) => ({
          run: `${index}`,
          pipeline: 'main',
          outcome,
          finishedAt: now - age * dayMs,
        }));
        const pinned = new Set(finished.filter((_, index) => sorted[index]?.isPinned).map((one) => one.run));
        const left = finished.filter((one) => !whatGoes(finished, { runs: keep, ms: days * dayMs }, { now, pinned }).includes(one));
        const newestGreen = finished.find(({ outcome }) => outcome === 'passed');
        for (const one of left) {
          const isKept = finished.indexOf(one) < keep && now - one.finishedAt <= days * dayMs;
          assert.ok(isKept || pinned.has(one.run) || one === newestGreen || one.finishedAt >= now - leastMs);
        }
        for (const id of pinned) assert.ok(left.some(({ run: kept }) => kept === id));
      },
    ),
  );
});
