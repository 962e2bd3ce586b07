import type { Folding } from '../run/fold.ts';
import { stamped } from '../run/journal.ts';
import type { RunEvent, RunFact } from '../run/run-event.ts';
import type { RunState } from '../run/run-state.ts';

/**
 * Facts become events, and so does what follows from them, until nothing does: numbered, dated, folded. With no facts it is asked what follows
 * from the state as it is. Of several decisions about a gate the first counts, and the others are dropped.
 */
export const advance = (
  folded: Folding,
  facts: readonly RunFact[],
  at: number,
  consequences: (events: readonly RunEvent[], state: RunState) => readonly RunFact[],
): readonly RunEvent[] => {
  const add = (given: readonly RunFact[]): readonly RunEvent[] => {
    const events: RunEvent[] = [];
    for (const fact of given) {
      const state = stateOf(folded);
      if (isLate(fact, state)) continue;
      for (const event of stamped([fact], state.lastSeq, at)) {
        folded.add(event);
        events.push(event);
      }
    }
    return events;
  };
  const all: RunEvent[] = [];
  let latest = add(facts);
  do {
    for (const event of latest) all.push(event);
    latest = add(consequences(latest, stateOf(folded)));
  } while (latest.length > 0);
  return all;
};

/** Of a run that has begun. */
export const stateOf = (folded: Folding): RunState => {
  const state = folded.state();
  if (state === undefined) throw new Error('the events do not begin with run.created');
  return state;
};

const isLate = (fact: RunFact, { nodes }: RunState): boolean => fact.kind === 'gate.decided' && nodes.get(fact.gate)?.phase === 'finished';
