import { gatesWaitedAt } from '../../run/gates-waited-at.ts';
import type { RunState } from '../../run/run-state.ts';
import type { RunChange, RunRow } from '../../store/run-store.ts';

/** What lists show of a run. `hasOpenGates` spares the look at all nodes. Pure. */
export const rowOf = (state: RunState, row: RunRow, hasOpenGates: boolean): RunChange['row'] => {
  const { fetch, outcome, finishedAt, digest, plan } = state;
  const commit = fetch.source?.commit ?? row.commit;
  const branch = fetch.source?.branch ?? row.branch;
  const subject = fetch.source?.subject ?? row.subject;
  const isWaiting = state.phase === 'running' && hasOpenGates && gatesWaitedAt(state).length > 0;
  return {
    pipeline: plan?.pipeline ?? row.pipeline,
    phase: isWaiting ? 'waiting' : state.phase,
    ...(outcome === undefined ? {} : { outcome }),
    ...(commit === undefined ? {} : { commit }),
    ...(branch === undefined ? {} : { branch }),
    ...(subject === undefined ? {} : { subject }),
    ...(digest === undefined ? {} : { digest }),
    ...(fetch.startedAt === undefined ? {} : { startedAt: fetch.startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
  };
};
