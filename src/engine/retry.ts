import type { RetryCause, Stage } from '../plan/plan.ts';
import type { Cause } from '../run/outcome.ts';
import type { StageState } from '../run/run-state.ts';

/** The cause for which a finished stage gets another attempt by its own rule; `undefined` when its outcome stands. */
export const retryCause = (stage: Stage, state: StageState): Cause | undefined => {
  const last = state.attempts.at(-1);
  const hasEndedBadly = state.phase === 'finished' && (state.outcome === 'failed' || state.outcome === 'errored');
  if (!hasEndedBadly || last?.cause === undefined) return undefined;
  const tries = 1 + [...state.attempts].reverse().findIndex((attempt) => attempt.because === undefined);
  return tries < stage.retry.attempts && stage.retry.on.includes(retryCauseOf(last.cause)) ? last.cause : undefined;
};

const retryCauseOf = (cause: Cause): RetryCause => {
  switch (cause.kind) {
    case 'oom':
    case 'timeout':
      return cause.kind;
    case 'error':
      return 'errored';
    default:
      return 'failed';
  }
};
