import type { Readable } from 'node:stream';
import { tarOfZip } from '../../lib/tar-of-zip.ts';
import type { Plan, Stage, Volume } from '../../plan/plan.ts';
import type { Results } from '../../results/results.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import { isAway } from '../patience.ts';
import { newestAttempt } from '../dispatch/stage-attempt.ts';
import { ReleaseError } from './release-error.ts';
import { type KeptTree, outputsOfRelease, releasePlan, releaseStages } from './release-plan.ts';

export type ReleaseDeps = {
  readonly dispatcher: Pick<Dispatcher, 'state'>;
  readonly results: Pick<Results, 'open'>;
  readonly trees: { open(digest: string): Promise<Readable>; keep(tar: Readable): Promise<{ readonly digest: string }> };
  /** The exact stdout of a stage. */
  outputOf(state: RunState, stage: string): Promise<{ readonly bytes: Uint8Array; readonly sensitive: boolean }>;
  /** What no plan may show. */
  outsideOf(state: RunState, stage: Stage): Promise<{ readonly redact: readonly string[] }>;
};

/** A recorded release, ready to run again. */
export type Release = { readonly of: RunState; readonly plan: Plan };

/** Of the run with that id, to that environment. Rejects with ReleaseError when it cannot be had any more. */
export type ReleaseOf = (run: string, environment: string) => Promise<Release>;

export const releaseOf =
  (deps: ReleaseDeps): ReleaseOf =>
  async (run, environment) => {
    const state = await deps.dispatcher.state(run);
    if (state === undefined) throw new ReleaseError('RELEASE_UNKNOWN', `The run ${run} is not here any more.`);
    const stages = releaseStages(state, environment);
    const outputs = new Map<string, string>();
    for (const name of outputsOfRelease(stages)) outputs.set(name, await outputText(deps, state, stages, name));
    const { plan, trees, isSourceNeeded } = releasePlan(state, environment, outputs);
    if (isSourceNeeded && !(await isThere(deps, state.sourceTree ?? ''))) throw gone(state, 'its source');
    const volumes = new Map<string, string>();
    for (const tree of trees) volumes.set(tree.volume, await presentTree(deps, state, tree));
    const moved = plan.volumes.map((volume): Volume => {
      const digest = volumes.get(volume.name);
      return digest === undefined ? volume : { ...volume, from: { tree: digest } };
    });
    return { of: state, plan: { ...plan, volumes: moved } };
  };

const gone = ({ number }: RunState, what: string): ReleaseError =>
  new ReleaseError('RELEASE_GONE', `The release of run ${number} cannot run again: ${what} is no longer kept.`);

/** A plan is shown to all who may read: a secret in it would be, too. */
const outputText = async (deps: ReleaseDeps, state: RunState, stages: readonly Stage[], name: string): Promise<string> => {
  const { bytes, sensitive } = await deps.outputOf(state, name).catch((error: unknown) => {
    if (isAway(error)) throw error;
    throw gone(state, `what "${name}" printed`);
  });
  const text = new TextDecoder().decode(bytes);
  const isSecret = async (): Promise<boolean> => {
    for (const stage of stages) {
      const { redact } = await deps.outsideOf(state, stage);
      if (redact.some((secret) => secret !== '' && text.includes(secret))) return true;
    }
    return false;
  };
  if (sensitive || (await isSecret())) {
    throw new ReleaseError(
      'RELEASE_NOT_ALONE',
      `The release of run ${state.number} is given a secret that "${name}" printed, and cannot run without that stage: run the commit anew.`,
    );
  }
  return text;
};

const isThere = async ({ trees }: ReleaseDeps, digest: string): Promise<boolean> => {
  try {
    // What is begun is also closed.
    for await (const _ of await trees.open(digest)) break;
    return true;
  } catch (error) {
    if (isAway(error)) throw error;
    return false;
  }
};

/** The tree, or one of the same files that are kept as a zip. */
const presentTree = async (deps: ReleaseDeps, state: RunState, { tree, zip }: KeptTree): Promise<string> => {
  if (await isThere(deps, tree)) return tree;
  const key = zip === undefined ? undefined : newestAttempt(state, zip.stage)?.artifacts?.key;
  const found = key === undefined || zip?.directory !== undefined ? undefined : await deps.results.open(state.run, key);
  if (found === undefined) throw gone(state, zip === undefined ? 'what was in its volumes' : `what "${zip.stage}" left`);
  const { digest } = await deps.trees.keep(tarOfZip(found));
  return digest.replace(/^sha256:/, '');
};
