import { dirname } from 'node:path';
import { dialects as allDialects } from '../../dialects/dialects.ts';
import { listRuns } from '../../local/runs.ts';
import { makeProjectDir } from '../../local/project-dir.ts';
import type { RunState } from '../../run/run-state.ts';
import { originOf } from '../../source/origin.ts';
import { chooseDialects } from '../choose-dialects.ts';
import { freezeBuilt, textOfBuilt } from '../built-files.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { isRefused, lookAt } from '../look-before.ts';
import { onlyPipeline } from '../../planning/pipeline-check.ts';
import { outcomeVerb } from '../printers/sentences.ts';
import { findRun, type Project, readRun } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { openProject } from './open-project.ts';
import { type StartOptions, startRun } from './start-run.ts';

export type DeployOptions = StartOptions & {
  readonly from?: string;
  readonly pipeline?: string;
  readonly target?: string;
  readonly dialect?: string;
};

/** A run of its own that takes on the files and the image of one that passed (R-WRK-31, R-WRK-32). */
export const deploy = async (context: Context, target: string | undefined, options: DeployOptions): Promise<ExitCode> => {
  const project = await openProject(context);
  const from = options.from === undefined ? await newestBuild(project) : await findRun(project, options.from);
  return deployRun(context, project, from, target === undefined ? options : { ...options, target });
};

export const deployRun = async (context: Context, project: Project, from: string, options: DeployOptions): Promise<ExitCode> => {
  const dialects = chooseDialects(allDialects, options.dialect);
  const built = await readRun(project, from);
  refuseUnlessPassed(built);
  const image = committedImage(built);
  const pipeline = options.pipeline ?? 'deploy';
  const wanted = { targets: [], only: [] };
  const asked = {
    pipeline,
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(image === undefined ? {} : { lastBuild: { image } }),
  };
  const shape = onlyPipeline(pipeline);
  const tree = await textOfBuilt(project, built, dialects);
  const text = tree && (await lookAt(context, project, dialects, asked, tree));
  if (text !== undefined && (await isRefused(context, text, wanted, shape))) return exitCodes.refused;
  await makeProjectDir(dirname(project.stateDir));
  const { code } = await startRun(
    context,
    {
      project,
      dialects,
      wanted,
      asked,
      from: { run: built.run, number: built.number },
      freeze: async (into, signal, log) => {
        const { commit, branch } = built.fetch.source ?? {};
        const [frozen, origin] = await Promise.all([
          freezeBuilt(project, built, dialects, { into, signal, log }),
          originOf(project.root, commit),
        ]);
        const { branch: _branch, ...rest } = origin;
        return { ...frozen, origin: { ...rest, ...(commit === undefined ? {} : { commit }), ...(branch === undefined ? {} : { branch }) } };
      },
      shape,
    },
    options,
  );
  return code;
};

const refuseUnlessPassed = ({ number, phase, outcome }: RunState): void => {
  if (phase !== 'finished') {
    throw new Refusal('DEPLOY_REFUSED', `Run ${number} has not ended, so it cannot be deployed.`, `Wait for it: cion show ${number} -f`);
  }
  if (outcome === 'passed') return;
  const word = outcome === undefined ? 'ended' : outcomeVerb(outcome);
  throw new Refusal(
    'DEPLOY_REFUSED',
    `Run ${number} ${word}: only what passed can be deployed.`,
    'Name another: --from <run>. "cion runs" lists them.',
  );
};

/** Whole runs that were no deploys themselves. */
const newestBuild = async ({ stateDir }: Project): Promise<string> => {
  for await (const { run, outcome, trigger, isPartial } of listRuns(stateDir)) {
    if (outcome === 'passed' && trigger.from === undefined && !isPartial) return run;
  }
  throw new Refusal('DEPLOY_REFUSED', 'There is no build that passed, so there is nothing to deploy.', 'Build first: cion build');
};

/** Of the last stage that became one. */
export const committedImage = ({ nodes }: RunState): string | undefined =>
  [...nodes.values()].flatMap((node) => (node.kind === 'stage' ? (node.attempts.at(-1)?.committed?.reference ?? []) : [])).at(-1);
