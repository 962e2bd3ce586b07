import type { Clock } from '../../lib/clock.ts';
import { openApproval } from '../../run/open-approval.ts';
import type { RunFact } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Project } from '../../store/projects.ts';
import type { Guard } from '../actor.ts';
import { expireApproval } from './decide-approval.ts';
import type { ForkPolicy } from './fork-policy.ts';

export type AwaitApprovalDeps = {
  readonly dispatcher: { report(run: string, facts: (state: RunState) => readonly RunFact[]): Promise<RunState> };
  readonly policy: ForkPolicy;
  readonly guard: Pick<Guard, 'note'>;
  readonly clock: Clock;
  /** A word to the operator; no values. */
  readonly warn: (line: string) => void;
};

export type AwaitApproval = {
  /**
   * Whether a run that has no plan yet may be fetched. Where somebody is asked first, that is recorded, and the run ends by itself when nobody
   * answers in time. It is asked again after a decision, and after a restart.
   */
  mayBegin(state: RunState, project: Project, commit: string | undefined): Promise<boolean>;
  /** Nothing of the run waits any more. */
  forget(run: string): void;
  clear(): void;
};

/** After something of ours failed. */
const againMs = 5000;

export const awaitApproval = ({ dispatcher, policy, guard, clock, warn }: AwaitApprovalDeps): AwaitApproval => {
  const timers = new Map<string, () => void>();
  const note = (action: string, { run, project, approval }: RunState): Promise<void> =>
    guard.note({ actor: { kind: 'anonymous' }, action, project, outcome: 'done', detail: { run, commit: approval?.commit ?? '' } });

  const expire = async (run: string): Promise<void> => {
    let isNew = false;
    const state = await dispatcher.report(run, (now) => {
      const facts = expireApproval(clock.now())(now);
      isNew = facts.length > 0;
      return facts;
    });
    if (isNew) await note('approval.expired', state);
  };

  const expireIn = (run: string, ms: number): void => {
    timers.get(run)?.();
    const end = (): void => {
      expire(run).then(
        () => timers.delete(run),
        (error: unknown) => {
          warn(
            `run ${run} has waited long enough for approval, and is ended later: ${error instanceof Error ? error.message : String(error)}`,
          );
          expireIn(run, againMs);
        },
      );
    };
    timers.set(run, clock.after(ms, end));
  };

  const ask = async ({ run }: RunState, commit: string): Promise<RunState> => {
    const until = clock.now() + policy.withinMs;
    let isNew = false;
    const asked = await dispatcher.report(run, ({ phase, approval }) => {
      isNew = phase !== 'finished' && approval === undefined;
      return isNew ? [{ kind: 'approval.asked', commit, until }] : [];
    });
    if (isNew) await note('approval.asked', asked);
    return asked;
  };

  return {
    mayBegin: async (state, project, commit) => {
      if (state.approval === undefined && !(await policy.asks(project, state.trigger))) return true;
      const asked = state.approval === undefined ? await ask(state, commit ?? '') : state;
      const open = openApproval(asked);
      if (open === undefined) return asked.approval?.decision?.kind === 'approved';
      expireIn(asked.run, Math.max(0, open.until - clock.now()));
      return false;
    },
    forget: (run) => {
      timers.get(run)?.();
      timers.delete(run);
    },
    clear: () => {
      for (const stop of timers.values()) stop();
      timers.clear();
    },
  };
};
