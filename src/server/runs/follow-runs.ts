import type { Clock } from '../../lib/clock.ts';
import { pauses } from '../../lib/pauses.ts';
import type { RunEvent } from '../../run/run-event.ts';
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

/** Of whom the news are, as marks call it, and whether gates and approvals are news for them too. */
export type Reader = {
  readonly name: string;
  readonly gates: boolean;
  /** What goes outside ends when the signal aborts: whether it was taken is not known then, and it comes again. */
  take(news: RunNews, signal: AbortSignal): Promise<void>;
};

export type FollowRuns = {
  /** Until the signal aborts. */
  start(signal: AbortSignal): Promise<void>;
};

const retryMs = 30_000;
/** What is said to have happened before may still become visible later; clocks are set back. */
const overlapMs = 10 * 60_000;
const pageSize = 100;
/** What a reader cannot take for so long is let go. */
const patienceMs = 86_400_000;
const mostTold = 10_000;

/**
 * Tells the reader of each run that finished, each gate that opened, and each approval that was asked for and decided, one after the other: live, and after a restart from the store what nobody was there
 * for. Each comes at least once; a reader knows by `newsId` what it had. What it rejects with is tried again for a day, and holds up
 * nothing that is new.
 */
export const followRuns = (deps: FollowDeps, reader: Reader): FollowRuns => {
  const { dispatcher, marks, clock, failed } = deps;
  const { wait, wake } = pauses(clock);
  const told = new Set<string>();
  const fresh: RunNews[] = [];
  const again: RunNews[] = [];
  let againAt = 0;

  const queued = (found: readonly RunNews[]): void => {
    for (const news of found) {
      if ((news.kind !== 'finished' && !reader.gates) || told.has(newsId(news))) continue;
      told.add(newsId(news));
      fresh.push(news);
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

  /** Answers whether it was taken, or is too old to be told. */
  const isTold = async (news: RunNews, signal: AbortSignal): Promise<boolean> => {
    try {
      await reader.take(news, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      failed(error);
      return clock.now() - news.at > patienceMs;
    }
  };

  /** What is new, each once; of what failed before, when it is time, until one fails again: then it is the last of them. */
  const tellAll = async (signal: AbortSignal): Promise<void> => {
    let newest = 0;
    const tell = async (news: RunNews): Promise<boolean> => {
      const isDone = await isTold(news, signal);
      if (isDone) newest = Math.max(newest, news.at);
      else if (again.push(news) === 1) againAt = clock.now() + retryMs;
      return isDone;
    };
    for (let news = fresh.shift(); news !== undefined; news = signal.aborted ? undefined : fresh.shift()) await tell(news);
    if (again.length > 0 && clock.now() >= againAt) {
      for (let news = again.shift(); news !== undefined; news = again.shift()) if (signal.aborted || !(await tell(news))) break;
      againAt = clock.now() + retryMs;
    }
    if (newest > 0 && again.length === 0 && !signal.aborted) await marks.move(reader.name, newest);
    if (told.size > mostTold) told.clear();
  };

  return {
    start: async (signal) => {
      const stop = dispatcher.watch(undefined, (events, state) => {
        const since = events.find(({ kind }) => isNews.has(kind))?.at;
        if (since === undefined) return;
        queued(newsOf(state).filter(({ at }) => at > since - overlapMs));
        wake();
      });
      let isMadeUp = false;
      while (!signal.aborted) {
        try {
          if (!isMadeUp) await makeUp();
          isMadeUp = true;
          await tellAll(signal);
          await wait(again.length === 0 ? Number.POSITIVE_INFINITY : Math.max(0, againAt - clock.now()), signal);
        } catch (error) {
          failed(error);
          await wait(retryMs, signal);
        }
      }
      stop();
    },
  };
};

const isNews: ReadonlySet<RunEvent['kind']> = new Set(['run.finished', 'gate.opened', 'approval.asked', 'approval.decided']);

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
