import type { Clock } from '../lib/clock.ts';
import type { Timeouts } from '../plan/plan.ts';
import type { Cause } from '../run/outcome.ts';
import type { Execution, Exit, LogChunk, LogPosition } from '../runtimes/runtime.ts';

/** How long a command may take to end by itself once it is asked to. */
export const stopGraceMs = 10_000;

export type Followed = {
  readonly exit: Exit;
  /** Set when we ended it. */
  readonly ended?: Cause;
};

/**
 * Stays with a running command to its end: every chunk to `keep`, in order; asks it to stop when a time-out passes or `stop` aborts,
 * kills it when `force` aborts or a chunk cannot be kept.
 */
export const follow = async (
  execution: Execution,
  from: LogPosition,
  startedAt: number,
  timeouts: Timeouts,
  control: { readonly clock: Clock; readonly stop: AbortSignal; readonly force: AbortSignal },
  keep: (chunk: LogChunk) => Promise<void>,
): Promise<Followed> => {
  const { clock } = control;
  let ended: Cause | undefined;
  let lastChunkAt = clock.now();
  const stopFailed = Promise.withResolvers<never>();
  const end = (cause: Cause, graceMs: number): void => {
    ended ??= cause;
    execution.stop(graceMs).catch(stopFailed.reject);
  };
  const timers: (() => void)[] = [];
  const watchSilence = (limitMs: number): void => {
    const rest = lastChunkAt + limitMs - clock.now();
    if (rest <= 0) end({ kind: 'timeout', limit: 'silent', ms: limitMs }, stopGraceMs);
    else timers[1] = clock.after(rest, () => watchSilence(limitMs));
  };
  const { totalMs, silentMs } = timeouts;
  timers[0] =
    totalMs === undefined
      ? () => {}
      : clock.after(Math.max(0, startedAt + totalMs - clock.now()), () =>
          end({ kind: 'timeout', limit: 'total', ms: totalMs }, stopGraceMs),
        );
  timers[1] = () => {};
  if (silentMs !== undefined) watchSilence(silentMs);
  const onStop = (): void => end({ kind: 'cancelled' }, stopGraceMs);
  const onForce = (): void => end({ kind: 'cancelled' }, 0);
  const unlisten = [listen(control.stop, onStop), listen(control.force, onForce)];
  const logs = new AbortController();
  const pump = async (): Promise<void> => {
    for await (const chunk of execution.logs(from, logs.signal)) {
      lastChunkAt = clock.now();
      await keep(chunk);
    }
  };
  try {
    const [exit] = await Promise.race([Promise.all([execution.exit, pump()]), stopFailed.promise]);
    return { exit, ...(ended === undefined ? {} : { ended }) };
  } catch (error) {
    logs.abort();
    execution.exit.catch(() => {});
    await execution.stop(0).catch(() => {});
    throw error;
  } finally {
    for (const cancel of timers) cancel();
    for (const off of unlisten) off();
  }
};

const listen = (signal: AbortSignal, callback: () => void): (() => void) => {
  if (signal.aborted) callback();
  else signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
};
