import type { RunEvent, RunFact } from './run-event.ts';

/**
 * Where the events of one run are kept. `append` numbers and dates the facts and resolves when they are durable; only then may they be
 * acted on. One process at a time has a run's journal open for appending.
 */
export type Journal = {
  readonly run: string;
  /** All events so far, in order. */
  events(): readonly RunEvent[];
  append(facts: readonly RunFact[]): Promise<readonly RunEvent[]>;
};
