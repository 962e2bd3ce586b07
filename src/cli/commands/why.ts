import type { RunState } from '../../run/run-state.ts';
import { explain, explainRun } from '../../server/dispatch/why.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { notesOf } from '../printers/notes.ts';
import { visible } from '../printers/visible.ts';
import { isRemote, openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { remoteRuns } from '../remote/remote-runs.ts';
import { findRunAndStage } from '../run-and-stage.ts';
import { localRuns } from '../run-place.ts';
import { writeLines } from '../write.ts';
import { openProject } from './open-project.ts';

/** Why a stage or a gate is where it is: waits, was skipped, ended so. Without one: the run, and all in it that has not ended. */
export const why = async (
  context: Context,
  first: string | undefined,
  second: string | undefined,
  options: RemoteOptions,
): Promise<ExitCode> => {
  const remote = isRemote(options) ? await openRemoteProject(context, options) : undefined;
  const runs = remote === undefined ? localRuns(await openProject(context)) : remoteRuns(remote);
  const { state, stage } = await findRunAndStage(runs, first, second, ({ nodes }) => [...nodes.keys()]);
  const here = explain({ state, queue: [], workers: [] });
  const sentences = async (node: string): Promise<readonly string[]> =>
    remote === undefined ? [localText(state, node, here.get(node) ?? '')] : remote.api.why(remote.project, state.number, node);
  const lines: string[] = [];
  if (stage !== undefined) lines.push(...(await sentences(stage)), ...notesOf(state.nodes.get(stage)));
  else {
    lines.push(explainRun(state));
    for (const name of openNodes(state)) for (const text of await sentences(name)) lines.push(`${name}: ${text}`);
  }
  await writeLines(
    context.stdout,
    lines.map((line) => visible(line)),
  );
  return exitCodes.passed;
};

const openNodes = ({ nodes }: RunState): readonly string[] =>
  [...nodes.values()].filter(({ phase }) => phase !== 'finished').map(({ name }) => name);

/** The queue of this machine is in the process that carries the run. */
const localText = ({ nodes }: RunState, name: string, text: string): string =>
  nodes.get(name)?.phase === 'queued' ? 'It is queued: as many stages as may run at once (--concurrency) are before it.' : text;
