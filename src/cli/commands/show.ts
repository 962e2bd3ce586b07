import { systemClock } from '../../lib/clock.ts';
import { followJournal, readJournal } from '../../local/journal.ts';
import { ownerOf } from '../../local/lock.ts';
import { folding } from '../../run/fold.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { listenForInterrupts } from '../interrupts.ts';
import { looks } from '../looks.ts';
import { openPrinter } from '../open-printer.ts';
import { runShow } from '../printers/run-show.ts';
import { findRun, type Project, readRun } from '../project.ts';
import { isRemote, openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { showOn } from '../remote/show-on.ts';
import { write, writeLines } from '../write.ts';
import { openProject } from './open-project.ts';

export type ShowOptions = RemoteOptions & { readonly json?: true; readonly follow?: true };

export const show = async (context: Context, wanted: string | undefined, options: ShowOptions): Promise<ExitCode> => {
  if (isRemote(options)) return showOn(context, await openRemoteProject(context, options), wanted, options);
  const { json, follow } = options;
  const project = await openProject(context);
  const run = await findRun(project, wanted);
  const isLive = (await ownerOf(project.stateDir, run)) !== undefined;
  if (follow && isLive) return watch(context, project, run, json === true);
  if (json) {
    for (const event of (await readJournal(project.stateDir, run)) ?? []) await write(context.stdout, `${JSON.stringify(event)}\n`);
    return exitCodes.passed;
  }
  const state = await readRun(project, run);
  const hint =
    state.phase === 'finished'
      ? []
      : [
          '',
          isLive
            ? `It is being executed: cion show ${state.number} -f watches it.`
            : `Its process is gone: cion resume ${state.number} goes on with it.`,
        ];
  await writeLines(context.stdout, [...runShow(state, Date.now(), looks(context)), ...hint]);
  return exitCodes.passed;
};

/** Shows what happens in a run of another process until it has ended, or until the one who watches has enough. */
const watch = async (context: Context, { stateDir }: Project, run: string, json: boolean): Promise<ExitCode> => {
  const interrupts = listenForInterrupts(() => undefined);
  const printer = await openPrinter(context, json ? { json } : {}, systemClock);
  const folded = folding();
  try {
    for await (const event of followJournal(stateDir, run, { signal: interrupts.cancel })) {
      folded.add(event);
      const state = folded.state();
      if (state !== undefined) printer.event(event, state);
    }
    return exitCodes.passed;
  } finally {
    await printer.close();
    interrupts.stop();
  }
};
