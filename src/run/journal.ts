import type { RunEvent, RunFact } from './run-event.ts';

/**
 * Where the events of one run are kept. `append` resolves when they are durable; only then may they be acted on. Calls may overlap and
 * are written in the order of the calls. One process at a time has a run's journal open for appending.
 */
export type Journal = {
  readonly run: string;
  /** All events at the time of opening, in order. */
  readonly past: readonly RunEvent[];
  append(events: readonly RunEvent[]): Promise<void>;
};

/** Facts become events: numbered on from `lastSeq`, dated. */
export const stamped = (facts: readonly RunFact[], lastSeq: number, at: number): readonly RunEvent[] =>
  facts.map((fact, index) => ({ seq: lastSeq + 1 + index, at, ...fact }));
