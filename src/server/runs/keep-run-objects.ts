import type { Clock } from '../../lib/clock.ts';
import { pauses } from '../../lib/pauses.ts';
import type { RunState } from '../../run/run-state.ts';
import type { RunStore } from '../../store/run-store.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import { makeTurns } from '../turns.ts';
import type { Reader } from './follow-runs.ts';

/** What is kept of a run as a whole beside what is kept of its stages, where the place of the results has that (R-DCK-48, R-DCK-104). Replaces what is there. */
export type RunObjects = {
  /** Its stages and edges, and outcomes as far as there are any. */
  index(state: RunState): Promise<void>;
  /** What its stages wrote to stdout. */
  out(state: RunState): Promise<void>;
};

export type KeepRunObjects = {
  /** For `followRuns`: all of it when a run has ended, also when this server was not there. */
  readonly reader: Reader;
  /** The index of a run from its plan on, and again when it is run again; until the signal aborts. */
  start(signal: AbortSignal): Promise<void>;
};

const retryMs = 30_000;
const mostUnfinished = 10_000;

export const keepRunObjects = (deps: {
  readonly objects: RunObjects;
  readonly dispatcher: Pick<Dispatcher, 'watch' | 'state'>;
  readonly runs: Pick<RunStore, 'list'>;
  readonly clock: Clock;
  /** Something in the background went wrong and is tried again. */
  failed(error: unknown): void;
}): KeepRunObjects => {
  const { objects, dispatcher, runs, clock, failed } = deps;
  const { wait, wake } = pauses(clock);
  const inTurn = makeTurns();
  const due = new Set<string>();

  /** As the run is when its turn has come, so that nothing old replaces what is newer. */
  const write = (run: string, what: readonly (keyof RunObjects)[]): Promise<void> =>
    inTurn(run, async () => {
      for (const kind of what) {
        const state = await dispatcher.state(run);
        if (state !== undefined) await objects[kind](state);
      }
    });

  const writeDue = async (signal: AbortSignal): Promise<void> => {
    for (const run of [...due]) {
      if (signal.aborted) return;
      due.delete(run);
      await write(run, ['index']).catch((error: unknown) => {
        due.add(run);
        throw error;
      });
    }
  };

  return {
    reader: { name: 'run-objects', gates: false, take: ({ run }) => write(run, ['out', 'index']) },
    start: async (signal) => {
      const stop = dispatcher.watch(undefined, (events, { run }) => {
        if (!events.some(({ kind }) => kind === 'run.planned' || kind === 'run.rerun')) return;
        due.add(run);
        wake();
      });
      let isMadeUp = false;
      while (!signal.aborted) {
        try {
          if (!isMadeUp) for (const { run } of await runs.list({ finished: false, limit: mostUnfinished })) due.add(run);
          isMadeUp = true;
          await writeDue(signal);
          await wait(Number.POSITIVE_INFINITY, signal);
        } catch (error) {
          failed(error);
          await wait(retryMs, signal);
        }
      }
      stop();
    },
  };
};
