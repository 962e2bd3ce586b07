import type { Clock } from '../../lib/clock.ts';
import { pauses } from '../../lib/pauses.ts';
import type { MarkStore } from '../../store/marks.ts';
import type { RunRow, RunStore } from '../../store/run-store.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import { newsId, newsOf, type RunNews } from './run-news.ts';

export type FollowDeps = {
  readonly dispatcher: Pick<Dispatcher, 'watch' | 'state'>;
  readonly runs: Pick<RunStore, 'list'>;
  readonly marks: MarkStore;
  readonly clock: Clock;
  /** Something in the background went wrong and is tried again. */
  failed(error: unknown): void;
};

/** Of whom the news are, as marks call it, and whether gates are news for them too. */
export type Reader = { readonly name: string; readonly gates: boolean; take(news: RunNews): Promise<void> };

export type FollowRuns = {
  /** Until the signal aborts. */
  start(signal: AbortSignal): Promise<void>;
};

const retryMs = 30_000;
/** What is said to have happened before may still become visible later; clocks are set back. */
const overlapMs = 10 * 60_000;
const pageSize = 100;

/**
 * Tells the reader of each run that finished and each gate that opened, one after the other: live, and after a restart from the store what nobody was there
 * for. Each comes at least once; a reader knows by `newsId` what it had. What it rejects with is tried again, after the others.
 */
export const followRuns = (deps: FollowDeps, reader: Reader): FollowRuns => {
  const { dispatcher, marks, clock, failed } = deps;
  const { wait, wake } = pauses(clock);
  const told = new Set<string>();
  let queue: RunNews[] = [];

  const queued = (found: readonly RunNews[]): void => {
    for (const news of found) {
      if ((news.kind === 'gate' && !reader.gates) || told.has(newsId(news))) continue;
      told.add(newsId(news));
      queue.push(news);
    }
  };

  const makeUp = async (): Promise<void> => {
    const mark = await marks.read(reader.name);
    if (mark === undefined) return marks.move(reader.name, clock.now());
    for (const finished of reader.gates ? [true, false] : [true]) {
      for await (const { run } of rowsOf(deps, finished, mark - overlapMs)) {
        const state = await dispatcher.state(run);
        if (state !== undefined) queued(newsOf(state).filter(({ at }) => at > mark - overlapMs));
      }
    }
  };

  /** Answers whether all of them were taken. */
  const tellAll = async (signal: AbortSignal): Promise<boolean> => {
    const again: RunNews[] = [];
    let newest = 0;
    for (let news = queue.shift(); news !== undefined && !signal.aborted; news = queue.shift()) {
      try {
        await reader.take(news);
        newest = Math.max(newest, news.at);
      } catch (error) {
        failed(error);
        again.push(news);
      }
    }
    queue = [...again, ...queue];
    if (again.length > 0) return false;
    if (newest > 0 && !signal.aborted) await marks.move(reader.name, newest);
    if (told.size > 10_000) told.clear();
    return true;
  };

  return {
    start: async (signal) => {
      const stop = dispatcher.watch(undefined, (events, state) => {
        if (!events.some(({ kind }) => kind === 'run.finished' || kind === 'gate.opened')) return;
        queued(newsOf(state));
        wake();
      });
      let isMadeUp = false;
      while (!signal.aborted) {
        try {
          if (!isMadeUp) await makeUp();
          isMadeUp = true;
          const isDone = await tellAll(signal);
          await wait(isDone ? Number.POSITIVE_INFINITY : retryMs, signal);
        } catch (error) {
          failed(error);
          await wait(retryMs, signal);
        }
      }
      stop();
    },
  };
};

const rowsOf = async function* ({ runs }: FollowDeps, finished: boolean, finishedAfter: number): AsyncGenerator<RunRow> {
  for (let before: string | undefined; ; ) {
    const page = await runs.list({
      finished,
      ...(finished ? { finishedAfter } : {}),
      limit: pageSize,
      ...(before === undefined ? {} : { before }),
    });
    yield* page;
    before = page.at(-1)?.run;
    if (page.length < pageSize) return;
  }
};
