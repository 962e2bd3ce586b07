import { constants } from 'node:os';
import { limit } from '../lib/quantities.ts';
import type { Step } from '../plan/plan.ts';
import type { Cause, Outcome } from '../run/outcome.ts';
import type { Followed } from './follow.ts';

export type Ending = { readonly outcome: Exclude<Outcome, 'skipped'>; readonly cause?: Cause; readonly exitCode?: number };

/** What is known of the steps of a command that has ended. */
export type StepsEnd = {
  /** Why the first step that failed did. */
  failure(): Cause | undefined;
  /** The one that has begun and not ended. */
  underWay(): Step | undefined;
};

/**
 * How an attempt ended, from how its command did. A time-out is the command's failure; what we stopped is cancelled. A step that failed is
 * why the command did; so is one that had not ended when its container had.
 */
export const endingOf = ({ exit, ended, steps }: Followed & { readonly steps?: StepsEnd }): Ending => {
  const failure = steps?.failure();
  const underWay = steps?.underWay();
  const broken = underWay === undefined ? {} : { step: { id: underWay.id, name: underWay.name } };
  if (ended?.kind === 'cancelled') return { outcome: 'cancelled', cause: ended, exitCode: exit.code };
  if (ended !== undefined) return { outcome: 'failed', cause: ended, exitCode: exit.code };
  if (exit.oom) return { outcome: 'failed', cause: { kind: 'oom', ...failedStep(failure), ...broken }, exitCode: exit.code };
  if (failure !== undefined) return { outcome: 'failed', cause: failure, exitCode: exit.code };
  if (exit.code !== 0) return { outcome: 'failed', cause: { ...causeOfExit(exit.code), ...broken }, exitCode: exit.code };
  if (underWay !== undefined) return endingOfError(new StepLost(underWay));
  return { outcome: 'passed', exitCode: 0 };
};

const failedStep = (failure: Cause | undefined): Pick<Cause, 'step'> => (failure?.step === undefined ? {} : { step: failure.step });

class StepLost extends Error {
  readonly code = 'STEP_LOST';

  constructor({ name }: Step) {
    super(`the container ended in the middle of step ${JSON.stringify(name)} and said that all was well`);
  }
}

/** That it was not the command, but the stage's `done`. */
export const ofDone = (ending: Ending): Ending =>
  ending.cause === undefined || ending.cause.kind === 'cancelled' ? ending : { ...ending, cause: { ...ending.cause, part: 'done' } };

/** An error of ours, as data; a message is made for people and has no secrets (see RuntimeError, ResultsError). */
export const endingOfError = (error: unknown): Ending => ({ outcome: 'errored', cause: errorCause(error) });

export const errorCause = (error: unknown): Cause & { kind: 'error' } => ({
  kind: 'error',
  code: error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'INTERNAL',
  message: error instanceof Error ? error.message : String(error),
});

export const causeOfExit = (code: number): Cause => {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return signal === undefined ? { kind: 'exit', code } : { kind: 'signal', signal: signal[0] };
};

/** One sentence for the stage's document. */
export const causeText = (cause: Cause): string => {
  const part = cause.part === undefined ? '' : `${cause.part}: `;
  if (cause.step === undefined) return `${part}${reasonText(cause)}`;
  const { name, message } = cause.step;
  const did =
    cause.kind === 'exit'
      ? 'failed with '
      : cause.kind === 'oom'
        ? 'ran '
        : cause.kind === 'timeout' && cause.limit === 'silent'
          ? 'wrote '
          : '';
  return `${part}step ${JSON.stringify(name)} ${did}${reasonText(cause)}${message === undefined ? '' : `: ${message}`}`;
};

const reasonText = (cause: Cause): string => {
  switch (cause.kind) {
    case 'exit':
      return `exit code ${cause.code}`;
    case 'signal':
      return `ended by ${cause.signal}`;
    case 'oom':
      return 'out of memory';
    case 'timeout':
      return cause.limit === 'total' ? `took longer than ${limit(cause.ms)}` : `no output for ${limit(cause.ms)}`;
    case 'error':
      return `${cause.code}: ${cause.message}`;
    case 'cancelled':
      return 'cancelled';
  }
};
