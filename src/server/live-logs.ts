import type { Clock } from '../lib/clock.ts';
import type { LogKey, Results, StoredChunk } from '../results/results.ts';
import type { RunState } from '../run/run-state.ts';
import type { Dispatcher } from './dispatch/dispatcher.ts';
import { HttpError } from './http-error.ts';
import { makePulse, type Pulse } from './pulse.ts';
import { makeRing, type Ring } from './ring.ts';

/**
 * Logs that many follow. Whoever joins, whenever and from whichever byte, gets the same bytes: what is new from a ring that all readers of one log
 * share, filled by one reading of the results; what is older, or what a slow reader has missed, from the results. Nobody waits for a reader, and a reader
 * holds nothing but the chunk it is given.
 */
export type LiveLogs = {
  /** From byte `from` on until the attempt has ended; `undefined` after each `quietMs` without news. Ends when the signal aborts. */
  read(
    key: LogKey,
    from: number,
    options: { readonly quietMs: number; readonly signal: AbortSignal },
  ): AsyncGenerator<StoredChunk | undefined>;
};

type Shared = {
  readers: number;
  ring?: Ring;
  /** Nothing more will be written. */
  isOver: boolean;
  failure?: Error;
  readonly pulse: Pulse;
  readonly stop: AbortController;
  readonly unwatch: () => void;
};

export const liveLogs = (deps: {
  readonly results: Pick<Results, 'readLog'>;
  readonly dispatcher: Pick<Dispatcher, 'state' | 'watch'>;
  readonly clock: Clock;
  readonly ringBytes: number;
}): LiveLogs => {
  const { results, dispatcher, clock } = deps;
  const logs = new Map<string, Shared>();

  const leave = (name: string, shared: Shared): void => {
    if (--shared.readers > 0) return;
    logs.delete(name);
    shared.unwatch();
    shared.stop.abort();
  };

  const join = async (key: LogKey, name: string): Promise<Shared> => {
    const known = logs.get(name);
    if (known !== undefined) {
      known.readers++;
      return known;
    }
    const end = (state: RunState | undefined): void => {
      if (!isOver(state, key)) return;
      shared.stop.abort();
      if (shared.ring === undefined) shared.isOver = true;
      shared.pulse.beat();
    };
    const shared: Shared = {
      readers: 1,
      isOver: false,
      pulse: makePulse(clock),
      stop: new AbortController(),
      unwatch: dispatcher.watch(key.run, (_events, state) => end(state)),
    };
    logs.set(name, shared);
    try {
      end(await dispatcher.state(key.run));
      return shared;
    } catch (error) {
      leave(name, shared);
      throw error;
    }
  };

  /** The one reading that all share, from where the first who came to the end was. */
  const fill = async (key: LogKey, shared: Shared, ring: Ring): Promise<void> => {
    try {
      for (const follow of [true, false]) {
        if (shared.readers === 0) return;
        for await (const chunk of results.readLog(key, { from: ring.end, follow, signal: follow ? shared.stop.signal : never })) {
          ring.push(chunk);
          shared.pulse.beat();
        }
      }
      shared.isOver = true;
    } catch (error) {
      shared.failure = error instanceof Error ? error : new Error(String(error));
    }
    shared.pulse.beat();
  };

  /** Whether the log is that long: nobody waits for what is beyond its end. */
  const reaches = async (key: LogKey, place: number, signal: AbortSignal): Promise<boolean> => {
    if (place === 0) return true;
    for await (const _ of results.readLog(key, { from: place - 1, follow: false, signal })) return true;
    return false;
  };

  return {
    read: async function* (key, from, { quietMs, signal }) {
      const name = JSON.stringify([key.run, key.stage, key.attempt, key.part]);
      const shared = await join(key, name);
      let place = from;
      try {
        if (place > (shared.ring?.end ?? 0) && !(await reaches(key, place, signal))) {
          throw new HttpError('LOG_SHORTER', 416, `The log has no byte ${place} yet.`);
        }
        while (!signal.aborted) {
          const { ring, isOver: wasOver } = shared;
          const piece = ring?.at(place);
          if (piece !== undefined) {
            place += piece.bytes.length;
            yield piece;
            continue;
          }
          if (shared.failure !== undefined) throw shared.failure;
          if (ring !== undefined && place >= ring.start) {
            if (wasOver) return;
            if (!(await shared.pulse.next(signal, quietMs))) yield undefined;
            continue;
          }
          for await (const chunk of results.readLog(key, { from: place, follow: false, signal })) {
            place += chunk.bytes.length;
            yield chunk;
            if (shared.ring?.at(place) !== undefined) break;
          }
          if (shared.ring !== undefined && place >= shared.ring.start) continue;
          if (wasOver || shared.ring !== undefined) return;
          if (!shared.isOver) {
            shared.ring = makeRing(place, deps.ringBytes);
            void fill(key, shared, shared.ring);
          }
        }
      } finally {
        leave(name, shared);
      }
    },
  };
};

const never = new AbortController().signal;

/** Whether that attempt has ended, or will never be. */
const isOver = (state: RunState | undefined, { stage, attempt }: LogKey): boolean => {
  if (state === undefined) return true;
  const node = state.nodes.get(stage);
  if (node?.kind !== 'stage') return state.phase === 'finished' || (stage === 'fetch' && state.plan !== undefined);
  const own = node.attempts.find((each) => each.attempt === attempt);
  if (own === undefined) return node.phase === 'finished' || (node.attempts.at(-1)?.attempt ?? 0) > attempt;
  return own.phase === 'finished';
};
