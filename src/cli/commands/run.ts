import { resolve } from 'node:path';
import { dialects as allDialects } from '../../dialects/dialects.ts';
import { makeProjectDir } from '../../local/project-dir.ts';
import { chooseDialects } from '../choose-dialects.ts';
import { filesOf, howToBegin } from '../../planning/configuration-files.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { askedOf, type PipelineOptions } from '../given-for-look.ts';
import { filesAt, isRefused, lookAt } from '../look-before.ts';
import { onlyPipeline } from '../../planning/pipeline-check.ts';
import { Refusal } from '../refusal.ts';
import { isRemote, type RemoteOptions } from '../remote/open-remote.ts';
import { runOn } from '../remote/run-on.ts';
import { openProject } from './open-project.ts';
import { freezeProject, type StartOptions, startRun } from './start-run.ts';

export type RunOptions = StartOptions &
  PipelineOptions &
  RemoteOptions & {
    readonly ref?: string;
    readonly detach?: true;
    readonly commit?: string;
    readonly only?: readonly string[];
    readonly dialect?: string;
  };

/** A commit, or the working tree as it is, from its text to its end (R-CIO-01, R-CIO-56). */
export const run = async (context: Context, args: readonly string[], options: RunOptions): Promise<ExitCode> => {
  const { targets, path } = split(args);
  const named = path ?? context.project;
  if (isRemote(options)) return runOn(named === undefined ? context : { ...context, project: named }, targets, options);
  if (options.ref !== undefined || options.detach)
    throw new Refusal('USAGE', '--ref and --detach are for runs on a server.', 'Add --server.');
  const project = await openProject(named === undefined ? context : { ...context, project: named });
  if (named !== undefined && resolve(context.cwd, named) !== project.root && !options.json) {
    context.stdout.write(`The project is ${project.root}, the git repository around ${resolve(context.cwd, named)}.\n`);
  }
  const dialects = chooseDialects(allDialects, options.dialect);
  const wanted = { targets, only: options.only ?? [] };
  const asked = askedOf(options);
  const isExplicit = targets.length > 0 || wanted.only.length > 0 || asked.pipeline !== undefined || asked.target !== undefined;
  const shape = onlyPipeline(asked.pipeline);
  const text =
    options.commit === undefined || isExplicit
      ? await lookAt(context, project, dialects, asked, filesAt(project, options.commit))
      : undefined;
  if (text === undefined && options.commit === undefined && !isExplicit) {
    context.stdout.write(`There is nothing to do: ${project.root} has no ${filesOf(dialects)}.\n${howToBegin(dialects)}\n`);
    return exitCodes.passed;
  }
  if (text !== undefined && (await isRefused(context, text, wanted, shape))) return exitCodes.refused;
  await makeProjectDir(project.root);
  const freeze = freezeProject(project, options.commit);
  const { code } = await startRun(context, { project, dialects, wanted, asked, freeze, shape }, options);
  return code;
};

/** What has a slash, or is a dot or two, is a path. */
const split = (args: readonly string[]): { readonly targets: readonly string[]; readonly path?: string } => {
  const isPath = (text: string): boolean => text === '.' || text === '..' || text.includes('/');
  const [path, another] = args.filter(isPath);
  if (another !== undefined) throw new Refusal('USAGE', `Only one project can be run at a time, not ${path} and ${another}.`);
  return { targets: args.filter((text) => !isPath(text)), ...(path === undefined ? {} : { path }) };
};
