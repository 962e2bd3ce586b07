import type { Readable } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import type { Copies } from './copies.ts';
import { ResultsError, type ResultsErrorCode } from './results-error.ts';

export type MirrorDeps = {
  readonly copies: Copies;
  /** What an object is at this moment; `undefined` when there is none: then there shall be none there either. */
  content(path: string): Promise<Readable | undefined>;
  /** Remembers across processes what is due, and what is there. */
  readonly memory: { due(paths: readonly string[]): void; done(path: string, isThere: boolean): void };
  /** What was there when it was asked last. */
  readonly there: Iterable<string>;
  readonly clock: Clock;
  /** Called once for each code. */
  warn(error: ResultsError): void;
};

/**
 * Copies objects elsewhere in the background, so that nobody waits for it and nothing depends on it. A store that does not answer or
 * refuses is tried again, with growing pauses, for as long as the mirror is open.
 */
export type Mirror = {
  /** These have changed. Paths that differ only in what stands after the last dot are copied in the order given, others at the same time. */
  due(paths: readonly string[]): void;
  /** Resolves when all is there or it is clear that it will not be soon, or the signal aborts; with the paths that are still due. */
  settle(signal: AbortSignal): Promise<readonly string[]>;
  /** Stops at once. */
  close(): Promise<void>;
};

const lanes = 4;
const firstPauseMs = 1000;
const longestPauseMs = 60_000;
/** How long the end of a run waits for a store that makes no progress, and how often it is tried when it was well before. */
const stalledMs = 30_000;
const lastTries = 3;

export const makeMirror = ({ copies, content, memory, there: before, clock, warn }: MirrorDeps): Mirror => {
  /** By the paths' common beginning. The first path of a busy group is under way; it may stand there again, when it has changed since. */
  const groups = new Map<string, string[]>();
  const busy = new Set<string>();
  const stuck = new Set<string>();
  const there = new Set(before);
  const warned = new Set<ResultsErrorCode>();
  const stop = new AbortController();
  let failures = 0;
  let lastCode: ResultsErrorCode | undefined;
  let endPause: (() => void) | undefined;
  let changed = Promise.withResolvers<void>();
  let isGivenUp = false;

  const left = (): readonly string[] => [...new Set([...groups.values()].flat())];
  const next = (): string | undefined => [...groups.keys()].find((group) => !busy.has(group) && !stuck.has(group));
  const tellChange = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };

  const copy = async (path: string): Promise<void> => {
    const found = await content(path);
    if (found !== undefined) {
      await copies.put(path, found, { signal: stop.signal, onProgress: tellChange });
      there.add(path);
    } else if (there.has(path)) {
      await copies.remove(path, stop.signal);
      there.delete(path);
    }
  };

  const copyGroup = async (group: string, paths: string[]): Promise<void> => {
    for (let path = paths[0]; path !== undefined; path = paths[0]) {
      await copy(path);
      paths.shift();
      if (!paths.includes(path)) memory.done(path, there.has(path));
      failures = 0;
      tellChange();
    }
    groups.delete(group);
  };

  const onFailure = (group: string, paths: readonly string[], reason: unknown): void => {
    if (stop.signal.aborted) return;
    const error = reason instanceof ResultsError ? reason : new ResultsError('RESULTS_UNREADABLE', String(reason), { cause: reason });
    lastCode = error.code;
    if (!warned.has(error.code)) {
      warned.add(error.code);
      warn(error);
    }
    groups.delete(group);
    groups.set(group, [...new Set(paths)]);
    if (!storeCodes.has(error.code)) {
      stuck.add(group);
      return;
    }
    failures++;
    endPause ??= clock.after(Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs), skipPause);
  };

  const pump = (): void => {
    while (busy.size < (failures === 0 ? lanes : 1) && endPause === undefined && !stop.signal.aborted) {
      const group = next();
      if (group === undefined) return;
      const paths = groups.get(group) ?? [];
      busy.add(group);
      void copyGroup(group, paths)
        .catch((error: unknown) => onFailure(group, paths, error))
        .finally(() => {
          busy.delete(group);
          pump();
          tellChange();
        });
    }
  };

  const skipPause = (): void => {
    endPause?.();
    endPause = undefined;
    pump();
  };

  return {
    due: (paths) => {
      memory.due(paths);
      for (const path of paths) {
        const group = path.slice(0, path.lastIndexOf('.'));
        const known = groups.get(group) ?? [];
        const kept = known.filter((other, i) => other !== path || (i === 0 && busy.has(group)));
        known.splice(0, known.length, ...kept, path);
        groups.set(group, known);
        stuck.delete(group);
      }
      pump();
    },

    settle: async (signal) => {
      if (isGivenUp) return left();
      const before = failures;
      const allowed = before === 0 ? lastTries : before + 1;
      const isHopeless = (): boolean => failures >= allowed || (failures > before && lastCode !== 'RESULTS_UNREACHABLE');
      skipPause();
      while (!isHopeless() && !signal.aborted && (busy.size > 0 || next() !== undefined)) {
        if (!(await happensWithin(changed.promise, stalledMs, clock, signal))) break;
      }
      isGivenUp = left().length > 0;
      return left();
    },

    close: async () => {
      endPause?.();
      stop.abort();
      while (busy.size > 0) await changed.promise;
      await copies.close();
    },
  };
};

/** What concerns the store as a whole, and may pass. */
const storeCodes: ReadonlySet<ResultsErrorCode> = new Set([
  'RESULTS_DENIED',
  'RESULTS_NO_BUCKET',
  'RESULTS_NO_CREDENTIALS',
  'RESULTS_UNREACHABLE',
]);

const happensWithin = async (event: Promise<void>, ms: number, clock: Clock, signal: AbortSignal): Promise<boolean> => {
  const over = Promise.withResolvers<boolean>();
  const giveUp = (): void => over.resolve(false);
  const cancel = clock.after(ms, giveUp);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([event.then(() => true), over.promise]);
  } finally {
    cancel();
    signal.removeEventListener('abort', giveUp);
  }
};
