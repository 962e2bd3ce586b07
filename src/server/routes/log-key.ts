import type { LogKey } from '../../results/results.ts';
import type { RunState } from '../../run/run-state.ts';
import { HttpError } from '../http-error.ts';

/** Which log is meant; the first attempt, where there is none yet. */
export const logKeyOf = (
  state: RunState,
  stage: string,
  { attempt, part }: { readonly attempt?: number; readonly part?: 'done' },
): LogKey => {
  const node = state.nodes.get(stage);
  // What a run does before it has stages has a log of its own.
  if (stage === 'fetch' && node === undefined && part === undefined && (attempt ?? 1) === 1) return { run: state.run, stage, attempt: 1 };
  if (node?.kind !== 'stage') throw new HttpError('STAGE_UNKNOWN', 404, `Run ${state.number} has no stage ${JSON.stringify(stage)}.`);
  const newest = node.attempts.at(-1)?.attempt ?? 1;
  if (attempt !== undefined && attempt > newest) {
    throw new HttpError('ATTEMPT_UNKNOWN', 404, `${JSON.stringify(stage)} of run ${state.number} has no attempt ${attempt}.`);
  }
  return { run: state.run, stage, attempt: attempt ?? newest, ...(part === undefined ? {} : { part }) };
};
