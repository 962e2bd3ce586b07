import { stagesAgain } from '../../engine/stages-again.ts';
import type { Decision, RunFact, Trigger } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import { DispatchError } from './dispatch-error.ts';

/** A cancel, where it changes anything: not of what has finished, nor again, unless by force now. For `Dispatcher.report`. */
export const cancelRun =
  (by: string, force: boolean) =>
  ({ phase, cancel }: RunState): readonly RunFact[] =>
    phase === 'finished' || (cancel !== undefined && (cancel.force || !force)) ? [] : [{ kind: 'run.cancel-requested', by, force }];

/** Another attempt of a run that has ended and had a plan (R-CIO-33); nothing of one that is under way. For `Dispatcher.report`. */
export const rerun =
  (which: 'all' | 'failed', trigger: Trigger) =>
  (state: RunState): readonly RunFact[] => {
    if (state.phase !== 'finished' || state.plan === undefined) return [];
    const stages = stagesAgain(state.plan, state, which);
    return stages.length === 0 ? [] : [{ kind: 'run.rerun', stages, trigger }];
  };

/**
 * A decision about an open gate, bound to what was decided upon: `digest` is that of the plan that was shown (atk-10). The first counts: a gate that was decided is none to
 * decide. Throws GATE_UNKNOWN, GATE_CLOSED or GATE_CHANGED. For `Dispatcher.report`.
 */
export const decideGate =
  (name: string, digest: string, decision: Decision) =>
  (state: RunState): readonly RunFact[] => {
    const gate = state.nodes.get(name);
    const planned = state.plan?.nodes.find((node) => node.name === name);
    if (gate?.kind !== 'gate' || planned?.kind !== 'gate') {
      throw new DispatchError('GATE_UNKNOWN', `The run has no gate ${JSON.stringify(name)}.`);
    }
    if (state.digest !== digest) {
      throw new DispatchError('GATE_CHANGED', `What ${JSON.stringify(name)} waits for is not what was shown: look at the run again.`);
    }
    if (gate.decision !== undefined) throw new DispatchError('GATE_CLOSED', decidedWords(name, gate.decision));
    if (planned.waitsFor.kind !== 'person' || gate.phase !== 'running') {
      throw new DispatchError('GATE_CLOSED', `The gate ${JSON.stringify(name)} waits for no decision of a person.`);
    }
    return [{ kind: 'gate.decided', gate: name, decision }];
  };

const decidedWords = (name: string, { kind, by, at }: Decision): string => {
  const how = kind === 'expired' ? 'nobody decided in time' : `${kind} by ${by}`;
  return `The gate ${JSON.stringify(name)} was already decided: ${how}, at ${new Date(at).toISOString()}.`;
};
