import type { RunRow } from '../../store/run-store.ts';

/** What is kept of each project: so many of its finished runs, none that finished longer ago than `ms`. */
export type KeepRuns = { readonly runs: number; readonly ms: number };

export type FinishedRun = Pick<RunRow, 'run' | 'pipeline' | 'outcome'> & { readonly finishedAt: number };

/** What ended just now is still being told of, and its last bytes come in. */
export const leastMs = 3_600_000;

/**
 * Those finished runs of one project that go, of the newest first. Never: what `pinned` names, what finished within the last hour, and of each
 * pipeline the newest that passed (R-WRK-55).
 */
export const whatGoes = (
  finished: readonly FinishedRun[],
  keep: KeepRuns,
  { now, pinned }: { readonly now: number; readonly pinned: ReadonlySet<string> },
): readonly FinishedRun[] => {
  const green = new Set<string>();
  return finished.filter(({ run, pipeline, outcome, finishedAt }, index) => {
    const isNewestGreen = outcome === 'passed' && !green.has(pipeline);
    if (isNewestGreen) green.add(pipeline);
    const age = now - finishedAt;
    const isTooMuch = index >= keep.runs || age > keep.ms;
    return isTooMuch && age > leastMs && !isNewestGreen && !pinned.has(run);
  });
};
