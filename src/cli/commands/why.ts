import { ownerOf } from '../../local/lock.ts';
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
  const place = isRemote(options) ? await openRemoteProject(context, options) : await openProject(context);
  const runs = 'api' in place ? remoteRuns(place) : localRuns(place);
  const { state, stage } = await findRunAndStage(runs, first, second, ({ nodes }) => [...nodes.keys()]);
  const isLeft = !('api' in place) && state.phase !== 'finished' && (await ownerOf(place.stateDir, state.run)) === undefined;
  const here = explain({ state, queue: [], workers: [], where: 'this machine' });
  const sentences = async (node: string): Promise<readonly string[]> =>
    'api' in place ? place.api.why(place.project, state.number, node) : [localText(state, node, here.get(node) ?? '', isLeft)];
  const lines: string[] = isLeft
    ? [`The process that carried run ${state.number} is gone: "cion resume ${state.number}" goes on with it.`]
    : [];
  if (stage !== undefined) lines.push(...(await sentences(stage)), ...notesOf(state.nodes.get(stage)));
  else {
    if (!isLeft) lines.push(explainRun(state));
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
const localText = ({ nodes }: RunState, name: string, text: string, isLeft: boolean): string => {
  if (nodes.get(name)?.phase !== 'queued') return text;
  return isLeft ? 'It is queued.' : 'It is queued: as many stages as may run at once (--concurrency) are before it.';
};
