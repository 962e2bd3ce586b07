import type { Clock } from '../lib/clock.ts';
import type { RunEvent } from '../run/run-event.ts';
import type { RunStore } from '../store/run-store.ts';
import type { Dispatcher } from './dispatch/dispatcher.ts';
import { makePulse } from './pulse.ts';

/** News that a reader has not taken are forgotten and read from the store. */
const maxHeld = 1000;

/** The events of a run after a number, past ones first, then as they come; `undefined` after each `quietMs` without any. Ends when the signal aborts. */
export const runNews = async function* (
  deps: { readonly runs: Pick<RunStore, 'events'>; readonly dispatcher: Pick<Dispatcher, 'watch'>; readonly clock: Clock },
  run: string,
  after: number,
  { quietMs, signal }: { readonly quietMs: number; readonly signal: AbortSignal },
): AsyncGenerator<RunEvent | undefined> {
  const pulse = makePulse(deps.clock);
  let last = after;
  let held: RunEvent[] = [];
  let mayHaveMore = true;
  const unwatch = deps.dispatcher.watch(run, (events) => {
    if (held.length + events.length > maxHeld) {
      held = [];
      mayHaveMore = true;
    } else held.push(...events);
    pulse.beat();
  });
  try {
    while (!signal.aborted) {
      const news = held;
      held = [];
      const next = news.filter(({ seq }) => seq > last);
      if (!mayHaveMore && (next[0]?.seq ?? last + 1) === last + 1) {
        for (const event of next) {
          last = event.seq;
          yield event;
        }
      } else {
        mayHaveMore = false;
        for (const event of await deps.runs.events(run, last)) {
          last = event.seq;
          yield event;
        }
      }
      if (held.length === 0 && !mayHaveMore && !(await pulse.next(signal, quietMs))) yield undefined;
    }
  } finally {
    unwatch();
  }
};
