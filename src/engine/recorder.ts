import type { Clock } from '../lib/clock.ts';
import { folding } from '../run/fold.ts';
import type { Journal } from '../run/journal.ts';
import type { RunEvent, RunFact } from '../run/run-event.ts';
import type { RunState } from '../run/run-state.ts';
import { advance, stateOf } from './advance.ts';
import { JournalError } from './journal-error.ts';

/**
 * The one place where the facts of a local run become events, with what follows from them (see `advance`): appends all of it to the journal
 * as one batch, and only then lets it be acted on. Facts reported meanwhile make the next batch.
 */
export type Recorder = {
  /** Resolves when the facts are durable and acted on; rejects with JournalError, as every later call does. */
  report(facts: readonly RunFact[]): Promise<void>;
  state(): RunState;
};

export const makeRecorder = (
  journal: Journal,
  clock: Clock,
  consequences: (events: readonly RunEvent[], state: RunState) => readonly RunFact[],
  act: (events: readonly RunEvent[], state: RunState) => void,
): Recorder => {
  const folded = folding();
  for (const event of journal.past) folded.add(event);
  let pending: { readonly facts: readonly RunFact[]; readonly done: PromiseWithResolvers<void> }[] = [];
  let busy = false;
  let broken: JournalError | undefined;

  const state = (): RunState => stateOf(folded);

  const drain = async (): Promise<void> => {
    while (pending.length > 0) {
      const reports = pending;
      pending = [];
      try {
        if (broken !== undefined) throw broken;
        const facts = reports.flatMap((report) => report.facts);
        const batch = advance(folded, facts, clock.now(), consequences);
        if (batch.length > 0) await journal.append(batch);
        act(batch, state());
        for (const { done } of reports) done.resolve();
      } catch (error) {
        broken ??= new JournalError(journal.run, error);
        for (const { done } of reports) done.reject(broken);
      }
    }
    busy = false;
  };

  return {
    state,
    report: (facts) => {
      const done = Promise.withResolvers<void>();
      pending.push({ facts, done });
      if (!busy) {
        busy = true;
        void drain();
      }
      return done.promise;
    },
  };
};
