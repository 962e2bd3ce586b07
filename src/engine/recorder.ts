import type { Clock } from '../lib/clock.ts';
import { folding } from '../run/fold.ts';
import { type Journal, stamped } from '../run/journal.ts';
import type { RunEvent, RunFact } from '../run/run-event.ts';
import type { RunState } from '../run/run-state.ts';
import { JournalError } from './journal-error.ts';

/**
 * The one place where facts become events: folds them, adds what follows from them (`consequences`, asked until there are none; with no
 * events it is asked what follows from the state as it is), appends all of it to the journal as one batch, and only then lets them be acted on. Facts reported meanwhile make the next batch.
 * Of several decisions about a gate the first counts, and the others are dropped.
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

  const state = (): RunState => {
    const current = folded.state();
    if (current === undefined) throw new Error('the journal does not begin with run.created');
    return current;
  };

  const add = (facts: readonly RunFact[]): readonly RunEvent[] => {
    const events: RunEvent[] = [];
    const at = clock.now();
    for (const fact of facts) {
      if (isLate(fact, state())) continue;
      for (const event of stamped([fact], state().lastSeq, at)) {
        folded.add(event);
        events.push(event);
      }
    }
    return events;
  };

  const batchOf = (facts: readonly RunFact[]): readonly RunEvent[] => {
    const batch: RunEvent[] = [];
    let latest = add(facts);
    do {
      for (const event of latest) batch.push(event);
      latest = add(consequences(latest, state()));
    } while (latest.length > 0);
    return batch;
  };

  const drain = async (): Promise<void> => {
    while (pending.length > 0) {
      const reports = pending;
      pending = [];
      try {
        if (broken !== undefined) throw broken;
        const batch = batchOf(reports.flatMap((report) => report.facts));
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

const isLate = (fact: RunFact, { nodes }: RunState): boolean => fact.kind === 'gate.decided' && nodes.get(fact.gate)?.phase === 'finished';
