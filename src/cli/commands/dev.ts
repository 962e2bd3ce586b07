import { setMaxListeners } from 'node:events';
import { dialects as allDialects } from '../../dialects/dialects.ts';
import { systemClock } from '../../lib/clock.ts';
import { chooseDialects } from '../choose-dialects.ts';
import { compileTree } from '../../planning/compile-tree.ts';
import type { Context } from '../context.ts';
import { reportError } from '../report-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { givenForLook } from '../given-for-look.ts';
import { listenForInterrupts } from '../interrupts.ts';
import { list } from '../printers/words.ts';
import type { Project } from '../project.ts';
import { directoryTree } from '../../planning/directory-tree.ts';
import { watchProject } from '../watch-project.ts';
import { type BuildOptions, buildRun } from './build.ts';
import { openProject } from './open-project.ts';

export type DevOptions = Omit<BuildOptions, 'rev' | 'detect' | 'deploy' | 'keep'>;

/** Runs the pipeline, and again whenever a file of the project has changed: what runs at that moment is cancelled. Ends with Ctrl-C. */
export const dev = async (context: Context, options: DevOptions): Promise<ExitCode> => {
  const project = await openProject(context);
  const interrupts = listenForInterrupts(() => undefined);
  const files = watchProject(project.root, systemClock);
  setMaxListeners(0, interrupts.cancel);
  const say = (text: string): void => void context.stderr.write(`cion: ${text}\n`);
  try {
    for (;;) {
      const stop = new AbortController();
      const watching = new AbortController();
      const next = files.changed(AbortSignal.any([interrupts.cancel, watching.signal])).then((paths) => {
        stop.abort('a change');
        return paths;
      });
      next.catch(() => undefined);
      await once(context, project, options, stop.signal);
      if (interrupts.cancel.aborted) return exitCodes.cancelled;
      if (!stop.signal.aborted) say(`waits for a change in ${project.root}; Ctrl-C ends`);
      const paths = await next.catch((error: unknown) => {
        if (interrupts.cancel.aborted) return undefined;
        throw error;
      });
      if (paths === undefined) return exitCodes.cancelled;
      say(`${list(paths.slice(0, 3))}${paths.length > 3 ? ` and ${paths.length - 3} more` : ''} changed`);
    }
  } finally {
    files.close();
    interrupts.stop();
  }
};

/** What keeps one run from beginning is told, and may be mended with the next change. */
const once = async (context: Context, project: Project, options: DevOptions, stop: AbortSignal): Promise<void> => {
  try {
    const pipeline = options.pipeline ?? ((await hasPipeline(context, project, options, 'dev')) ? 'dev' : 'build');
    await buildRun(context, project, { ...options, commit: options.commit ?? false }, { pipeline, stop });
  } catch (error) {
    reportError(error, { stderr: context.stderr, debug: Boolean(context.env.CION_DEBUG) });
  }
};

const hasPipeline = async (context: Context, { root, name }: Project, { dialect }: DevOptions, pipeline: string): Promise<boolean> => {
  const given = await givenForLook(context, { root, name, pipeline });
  const text = await compileTree(directoryTree(root), chooseDialects(allDialects, dialect), given);
  if (text === undefined) return false;
  return text.compiled.ok ? text.compiled.plan.pipeline === pipeline : text.compiled.wantsSteps !== undefined;
};
