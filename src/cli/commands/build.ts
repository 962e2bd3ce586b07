import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { dialects as allDialects } from '../../dialects/dialects.ts';
import { makeProjectDir } from '../../local/project-dir.ts';
import type { Plan } from '../../plan/plan.ts';
import { type Parsed, parsed } from '../../plan/problem.ts';
import { hasSteps, withCommit } from '../../plan/with-commit.ts';
import { chooseDialects } from '../choose-dialects.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { type ImageOptions, imageNames } from '../image-names.ts';
import { filesAt, isRefused, lookAt } from '../look-before.ts';
import { onlyPipeline } from '../../planning/pipeline-check.ts';
import type { Project } from '../project.ts';
import { type DeployOptions, deployRun } from './deploy.ts';
import { detectMissing } from './detect.ts';
import { openBuild } from './open-build.ts';
import { type EndedRun, freezeProject, type StartOptions, startRun } from './start-run.ts';

export type BuildOptions = StartOptions &
  Omit<ImageOptions, 'commit'> & {
    /** `false`: no image at all. */
    readonly commit?: ImageOptions['commit'] | false;
    readonly commitSteps?: true;
    readonly rev?: string;
    readonly pipeline?: string;
    readonly target?: string;
    readonly dialect?: string;
    readonly detect?: true;
    readonly deploy?: true;
    readonly keep?: true;
  };

/** The pipeline `build`, whose box becomes an image for the project's next deploy (R-WRK-17, R-WRK-21). */
export const build = async (context: Context, place: string | undefined, options: BuildOptions): Promise<ExitCode> => {
  const { project, fetchedInto } = await openBuild(context, place);
  try {
    if (options.detect) await detectMissing(context, project.root);
    if (await isMistaken(context, project, options)) return exitCodes.refused;
    const built = await buildRun(context, project, options);
    if (built.code !== exitCodes.passed || !options.deploy) return built.code;
    return await deployRun(context, project, built.run, deployOptionsOf(options));
  } finally {
    if (fetchedInto !== undefined && !options.keep) await rm(fetchedInto, { recursive: true, force: true });
  }
};

const isMistaken = async (context: Context, project: Project, options: BuildOptions): Promise<boolean> => {
  const { pipeline = 'build', target, rev } = options;
  const asked = { pipeline, ...(target === undefined ? {} : { target }) };
  const text = await lookAt(context, project, chooseDialects(allDialects, options.dialect), asked, filesAt(project, rev));
  return text !== undefined && isRefused(context, text, { targets: [], only: [] }, onlyPipeline(options.pipeline));
};

/** `pipeline`: which is meant when none is asked for. */
export const buildRun = async (
  context: Context,
  project: Project,
  options: BuildOptions,
  { pipeline = 'build', stop }: { readonly pipeline?: string; readonly stop?: AbortSignal } = {},
): Promise<EndedRun> => {
  const dialects = chooseDialects(allDialects, options.dialect);
  const shape = shapeOf(project, options, context.env.BUILD_ID || undefined);
  await makeProjectDir(dirname(project.stateDir));
  return startRun(
    context,
    {
      project,
      dialects,
      wanted: { targets: [], only: [] },
      asked: { pipeline: options.pipeline ?? pipeline, ...(options.target === undefined ? {} : { target: options.target }) },
      freeze: freezeProject(project, options.rev),
      shape,
      ...(stop === undefined ? {} : { stop }),
    },
    options,
  );
};

/** Refuses image names that cannot be before anything begins. */
const shapeOf = (project: Project, options: BuildOptions, id: string | undefined): ((plan: Plan) => Parsed<Plan>) => {
  const { commit, commitSteps, push, registry } = options;
  const isAsked = (commit !== undefined && commit !== false) || commitSteps === true || push === true || registry !== undefined;
  const check = onlyPipeline(options.pipeline);
  if (commit === false && !isAsked) return check;
  const names = imageNames(project.name, { ...(commit ? { commit } : {}), ...(push && { push }), ...(registry && { registry }) }, id);
  const wanted = { names, when: 'ended', ...(push && { push }), ...(commitSteps && { steps: commitSteps }) } as const;
  return (plan) => {
    const checked = check(plan);
    if (!checked.ok) return checked;
    const hasBox = plan.nodes.some((node) => node.kind === 'stage' && hasSteps(node));
    return isAsked || hasBox ? withCommit(plan, wanted) : parsed(plan);
  };
};

const deployOptionsOf = ({ pipeline: _pipeline, rev: _rev, commit: _commit, ...rest }: BuildOptions): DeployOptions => rest;
