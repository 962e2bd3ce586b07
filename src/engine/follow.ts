import type { Clock } from '../lib/clock.ts';
import type { Timeouts } from '../plan/plan.ts';
import type { Cause } from '../run/outcome.ts';
import type { Execution, Exit, LogChunk, LogPosition, StepMark } from '../runtimes/runtime.ts';
import { JournalError } from './journal-error.ts';
import { watchLimits } from './time-limits.ts';

/** How long a command may take to end by itself once it is asked to. */
export const stopGraceMs = 10_000;

export type Followed = {
  readonly exit: Exit;
  /** Set when we ended it. */
  readonly ended?: Cause;
};

/** Who is told what comes out of a command, in order. */
export type Follower = {
  chunk(chunk: LogChunk): Promise<void>;
  /** `ended`: why we have ended the command by now. */
  mark(mark: StepMark, ended: Cause | undefined): Promise<void>;
  /** Rejects when the follower can go on no more. */
  readonly broken: Promise<never>;
};

/**
 * Stays with a running command to its end: every chunk and mark to the follower; asks it to stop when a time-out passes or `stop` aborts,
 * kills it when `force` aborts or a chunk cannot be kept. What runs when the journal cannot be written stays for a resume.
 */
export const follow = async (
  execution: Execution,
  from: LogPosition,
  startedAt: number,
  timeouts: Timeouts,
  control: { readonly clock: Clock; readonly stop: AbortSignal; readonly force: AbortSignal },
  follower: Follower,
): Promise<Followed> => {
  const { clock } = control;
  let ended: Cause | undefined;
  const stopFailed = Promise.withResolvers<never>();
  const end = (cause: Cause, graceMs: number): void => {
    ended ??= cause;
    execution.stop(graceMs).catch(stopFailed.reject);
  };
  const limits = watchLimits(clock, timeouts, startedAt, (cause) => end(cause, stopGraceMs));
  const onStop = (): void => end({ kind: 'cancelled' }, stopGraceMs);
  const onForce = (): void => end({ kind: 'cancelled' }, 0);
  const unlisten = [listen(control.stop, onStop), listen(control.force, onForce)];
  const logs = new AbortController();
  const pump = async (): Promise<void> => {
    for await (const chunk of execution.logs(from, logs.signal, (mark) => follower.mark(mark, ended))) {
      limits.wrote();
      await follower.chunk(chunk);
    }
  };
  try {
    const [exit] = await Promise.race([Promise.all([execution.exit, pump()]), stopFailed.promise, follower.broken]);
    return { exit, ...(ended === undefined ? {} : { ended }) };
  } catch (error) {
    logs.abort();
    execution.exit.catch(() => {});
    if (!(error instanceof JournalError)) await execution.stop(0).catch(() => {});
    throw error;
  } finally {
    limits.cancel();
    for (const off of unlisten) off();
  }
};

const listen = (signal: AbortSignal, callback: () => void): (() => void) => {
  if (signal.aborted) callback();
  else signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
};
