import type { Clock } from '../lib/clock.ts';
import type { Gate } from '../plan/plan.ts';
import type { Gatekeeper, OpenGate } from '../run/gatekeeper.ts';
import type { Decision, RunFact } from '../run/run-event.ts';

/** The gates of a run that are open: each waits for the gatekeeper and the clock, and no container is held for it. */
export type OpenGates = {
  open(gate: Gate, openedAt: number): void;
  /** It was decided or skipped: nobody waits for it any more. */
  shut(name: string): void;
  shutAll(): void;
};

export type GateDeps = {
  readonly gatekeeper: Gatekeeper;
  readonly clock: Clock;
  readonly since: () => number;
  readonly decided: (fact: RunFact & { readonly kind: 'gate.decided' }) => void;
  readonly failed: (error: unknown) => void;
};

export const openGates = ({ gatekeeper, clock, since, decided, failed }: GateDeps): OpenGates => {
  const waits = new Map<string, () => void>();
  const shut = (name: string): void => waits.get(name)?.();

  const open = (gate: Gate, openedAt: number): void => {
    const { name } = gate;
    shut(name);
    const abort = new AbortController();
    const decide = (decision: Decision): void => {
      if (abort.signal.aborted) return;
      end();
      decided({ kind: 'gate.decided', gate: name, decision });
    };
    const deadline = deadlineOf(gate, openedAt);
    const stopTimer =
      deadline === undefined ? undefined : clock.after(Math.max(0, deadline - clock.now()), () => decide(expired(clock.now())));
    const end = (): void => {
      abort.abort();
      stopTimer?.();
      waits.delete(name);
    };
    waits.set(name, end);
    gatekeeper.decided({ gate, openedAt, since: since() }, abort.signal).then(
      (decision) => {
        if (isInTime(decision, deadline)) decide(decision);
      },
      (error: unknown) => {
        if (!abort.signal.aborted) failed(error);
      },
    );
  };
  return {
    open,
    shut,
    shutAll: () => {
      for (const end of [...waits.values()]) end();
    },
  };
};

/** What was decided about a gate while no process carried the run; `undefined` also when it was too late. */
export const decidedBefore = async (gatekeeper: Gatekeeper, opened: OpenGate): Promise<Decision | undefined> => {
  const decision = await gatekeeper.made(opened);
  return decision !== undefined && isInTime(decision, deadlineOf(opened.gate, opened.openedAt)) ? decision : undefined;
};

const deadlineOf = ({ timeoutMs }: Gate, openedAt: number): number | undefined =>
  timeoutMs === undefined ? undefined : openedAt + timeoutMs;

const isInTime = ({ at }: Decision, deadline: number | undefined): boolean => deadline === undefined || at < deadline;

const expired = (at: number): Decision => ({ kind: 'expired', by: 'clock', at });
