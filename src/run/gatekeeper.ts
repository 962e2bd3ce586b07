import type { Gate } from '../plan/plan.ts';
import type { Decision } from './run-event.ts';

/**
 * Knows how open gates are decided: by people, and by what happens in other pipelines. What a gate's own time-out means is not its
 * concern. A gate that was decided stays decided: of several decisions the first is told, always. Calls may overlap, also for one gate.
 */
export type Gatekeeper = {
  /** The decision that was made already, perhaps while no process carried the run; `undefined` when there is none. */
  made(gate: OpenGate): Promise<Decision | undefined>;
  /** Settles when the gate is decided, at once when it was already. Rejects with the signal's reason when that aborts. */
  decided(gate: OpenGate, signal: AbortSignal): Promise<Decision>;
};

export type OpenGate = {
  readonly gate: Gate;
  /** Tells one opening of a gate from the next: a re-run opens it again, and asks again. */
  readonly openedAt: number;
  /** When the run was created: what happened in other pipelines before does not count (R-DCK-64). */
  readonly since: number;
};
