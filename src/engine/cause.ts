import { constants } from 'node:os';
import type { Cause, Outcome } from '../run/outcome.ts';
import type { Exit } from '../runtimes/runtime.ts';
import type { Followed } from './follow.ts';

export type Ending = { readonly outcome: Exclude<Outcome, 'skipped'>; readonly cause?: Cause; readonly exitCode?: number };

/** How an attempt ended, from how its command did. A time-out is the command's failure; what we stopped is cancelled. */
export const endingOf = ({ exit, ended }: Followed): Ending => {
  if (ended?.kind === 'cancelled') return { outcome: 'cancelled', cause: ended, exitCode: exit.code };
  if (ended !== undefined) return { outcome: 'failed', cause: ended, exitCode: exit.code };
  if (exit.oom) return { outcome: 'failed', cause: { kind: 'oom' }, exitCode: exit.code };
  if (exit.code === 0) return { outcome: 'passed', exitCode: 0 };
  return { outcome: 'failed', cause: causeOfExit(exit), exitCode: exit.code };
};

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

const causeOfExit = ({ code }: Exit): Cause => {
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return signal === undefined ? { kind: 'exit', code } : { kind: 'signal', signal: signal[0] };
};

/** One sentence for the stage's document. */
export const causeText = (cause: Cause): string => `${cause.part === undefined ? '' : `${cause.part}: `}${reasonText(cause)}`;

const reasonText = (cause: Cause): string => {
  switch (cause.kind) {
    case 'exit':
      return `exit code ${cause.code}`;
    case 'signal':
      return `ended by ${cause.signal}`;
    case 'oom':
      return 'out of memory';
    case 'timeout':
      return cause.limit === 'total' ? `took longer than ${cause.ms} ms` : `no output for ${cause.ms} ms`;
    case 'error':
      return `${cause.code}: ${cause.message}`;
    case 'cancelled':
      return 'cancelled';
  }
};
