import { doneName, stagesOf } from '../../plan/stage.ts';
import { folding } from '../../run/fold.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Printer } from '../printers/printer.ts';
import { followEvents, followLog } from './follow.ts';
import type { RemoteProject } from './open-remote.ts';
import { isRefused } from './server-error.ts';

/**
 * Shows a run of a server from what is `past` on until it finishes, or the signal aborts; with `logs` also what its stages write: each byte once,
 * all of an attempt before its end. Gives the state that it came to.
 */
export const watchRun = async (
  remote: RemoteProject,
  number: number,
  {
    past,
    printer,
    logs,
    signal,
  }: { readonly past: readonly RunEvent[]; readonly printer: Printer; readonly logs: boolean; readonly signal: AbortSignal },
): Promise<RunState | undefined> => {
  const folded = folding();
  for (const event of past) folded.add(event);
  const following = new Map<string, Promise<void>>();
  const leave = new AbortController();
  const either = AbortSignal.any([signal, leave.signal]);

  const follow = async (stage: string, attempt: number, part: 'done' | undefined): Promise<void> => {
    const wanted = { stage, attempt, until: 'end', ...(part === undefined ? {} : { part }) } as const;
    const speaker = part === undefined ? stage : doneName(stage);
    try {
      for await (const { stream, bytes } of followLog(remote, number, wanted, either)) {
        await printer.log(speaker, attempt, { stream, bytes });
      }
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
  };
  const begin = (key: string, work: () => Promise<void>): void => {
    if (following.has(key)) return;
    const log = work();
    log.catch(() => undefined);
    following.set(key, log);
  };
  const isSilent = (stage: string): boolean => {
    const plan = folded.state()?.plan;
    return plan === undefined || stagesOf(plan).some(({ name, sensitive }) => name === stage && sensitive);
  };

  try {
    for await (const event of followEvents(remote, number, past.at(-1)?.seq ?? 0, signal)) {
      if (logs && event.kind === 'stage.finished') {
        const { stage, attempt } = event;
        await Promise.all([following.get(keyOf(stage, attempt)), following.get(keyOf(stage, attempt, 'done'))]);
      }
      folded.add(event);
      const state = folded.state();
      if (state === undefined) continue;
      printer.event(event, state);
      if (!logs || (event.kind !== 'stage.started' && event.kind !== 'stage.done-started') || isSilent(event.stage)) continue;
      const { stage, attempt } = event;
      const part = event.kind === 'stage.done-started' ? 'done' : undefined;
      begin(keyOf(stage, attempt, part), () => follow(stage, attempt, part));
    }
  } finally {
    leave.abort();
  }
  return folded.state();
};

const keyOf = (stage: string, attempt: number, part?: 'done'): string => JSON.stringify([stage, attempt, part]);
