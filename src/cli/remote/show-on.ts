import { fold } from '../../run/fold.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { listenForInterrupts } from '../interrupts.ts';
import { looks } from '../looks.ts';
import { openPrinter } from '../open-printer.ts';
import { runShow } from '../printers/run-show.ts';
import { write, writeLines } from '../write.ts';
import type { RemoteProject } from './open-remote.ts';
import { eventsOf, numberOf } from './remote-runs.ts';
import { watchRun } from './watch-run.ts';

/** The same picture of a run on a server as of one on this machine: it is made of the same events. */
export const showOn = async (
  context: Context,
  remote: RemoteProject,
  wanted: string | undefined,
  { json, follow }: { readonly json?: true; readonly follow?: true },
): Promise<ExitCode> => {
  const number = await numberOf(remote, wanted);
  const events = await eventsOf(remote, number);
  const state = fold(events);
  const isLive = state?.phase !== 'finished';
  if (follow && isLive) return watch(context, remote, number, json === true);
  if (json) for (const event of events) await write(context.stdout, `${JSON.stringify(event)}\n`);
  else if (state !== undefined) {
    const hint = isLive ? ['', `It goes on: cion show ${number} -f${remote.place} watches it.`] : [];
    await writeLines(context.stdout, [...runShow(state, Date.now(), { ...looks(context), place: remote.place }), ...hint]);
  }
  return exitCodes.passed;
};

const watch = async (context: Context, remote: RemoteProject, number: number, json: boolean): Promise<ExitCode> => {
  const interrupts = listenForInterrupts(() => undefined);
  const printer = await openPrinter(context, { ...(json ? { json } : {}), place: remote.place }, remote.clock);
  try {
    await watchRun(remote, number, { past: [], printer, logs: false, signal: interrupts.cancel });
    return exitCodes.passed;
  } finally {
    await printer.close();
    interrupts.stop();
  }
};
