import type { AttemptState, StageState } from '../../run/run-state.ts';

export const lastAttempt = (stage: StageState): AttemptState | undefined => stage.attempts.at(-1);

/** How long the command ran, or has run until now; where it never started, how long it was prepared. */
export const tookMs = (attempt: AttemptState, now: number): number => (attempt.finishedAt ?? now) - (attempt.startedAt ?? attempt.queuedAt);
