import { withCircumstances } from '../../plan/circumstances.ts';
import type { ImageSource, Mount, Plan, Stage, Volume } from '../../plan/plan.ts';
import { buildVolumesOf, outputsAskedBy, stagesOf } from '../../plan/stage.ts';
import { withValues } from '../../plan/with-values.ts';
import type { AttemptState, RunState } from '../../run/run-state.ts';
import { pinned } from '../dispatch/pinned-images.ts';
import { type PlanParts, planParts } from '../dispatch/plan-parts.ts';
import { newestAttempt } from '../dispatch/stage-attempt.ts';
import { leftBy } from '../dispatch/volumes.ts';
import { ReleaseError } from './release-error.ts';

/** What another stage left, and is mounted now as it was kept. `zip`: where the same files are, should the tree be gone. */
export type KeptTree = {
  readonly volume: string;
  readonly tree: string;
  readonly zip?: { readonly stage: string; readonly directory?: string };
};

export type ReleasePlan = { readonly plan: Plan; readonly trees: readonly KeptTree[]; readonly isSourceNeeded: boolean };

/** The stages of a run that deployed to an environment, in the plan's order. */
export const releaseStages = ({ plan, deployments }: RunState, environment: string): readonly Stage[] => {
  const recorded = new Set(deployments.filter((one) => one.environment === environment).map(({ stage }) => stage));
  return plan === undefined ? [] : stagesOf(plan).filter(({ name, deploys }) => deploys?.environment === environment && recorded.has(name));
};

/** Stages whose stdout the release is given, and that do not run again. */
export const outputsOfRelease = (stages: readonly Stage[]): readonly string[] => {
  const names = new Set(stages.map(({ name }) => name));
  return [...new Set(stages.flatMap(outputsAskedBy))].filter((name) => !names.has(name));
};

/**
 * The plan of a run that does again what a recorded run did when it deployed to an environment: only the stages that deployed, with what they saw of the
 * others as it was kept: volumes and artifacts by the digests of their trees, images by theirs, outputs and what was so of that run as values. Gates were
 * passed then. Pure.
 * Throws ReleaseError.
 */
export const releasePlan = (state: RunState, environment: string, outputs: ReadonlyMap<string, string>): ReleasePlan => {
  const { plan } = state;
  const stages = releaseStages(state, environment);
  if (plan === undefined || stages.length === 0)
    throw new ReleaseError('RELEASE_UNKNOWN', `Run ${state.number} deployed nothing to ${JSON.stringify(environment)}.`);
  const parts = planParts(
    plan,
    state.project,
    () => state,
    async () => ({ bytes: new Uint8Array(), sensitive: false }),
  );
  const volumes = volumesOf(parts, state, plan, stages);
  const names = new Set(stages.map(({ name }) => name));
  const nodes = stages.map((stage) => again(parts, state, stage, { names, volumes, outputs }));
  const all = volumes.all();
  return {
    plan: { version: 1, pipeline: plan.pipeline, nodes, volumes: all.map(({ volume }) => volume) },
    trees: all.flatMap(({ volume: { name, from }, zip }) =>
      typeof from === 'object' && 'tree' in from ? [{ volume: name, tree: from.tree, ...(zip === undefined ? {} : { zip }) }] : [],
    ),
    isSourceNeeded: all.some(({ volume }) => volume.from === 'source'),
  };
};

type Volumes = {
  /** The volume of the release that holds what that stage saw in a volume of the plan. */
  seenBy(stage: Stage, volume: string): string;
  /** One with what a stage that does not run again left. */
  leftBy(stage: string): { readonly volume: string; readonly directory?: string };
  all(): readonly { readonly volume: Volume; readonly zip?: KeptTree['zip'] }[];
};

const volumesOf = (parts: PlanParts, state: RunState, plan: Plan, stages: readonly Stage[]): Volumes => {
  const byName = new Map(stages.map((stage) => [stage.name, stage]));
  const made = new Map<string, { readonly volume: Volume; readonly zip?: KeptTree['zip'] }>();
  const make = (base: string, from: Volume['from'], zip?: KeptTree['zip']): string => {
    const key = JSON.stringify([base, from]);
    const taken = [...made.values()].filter(({ volume }) => volume.name === base || volume.name.startsWith(`${base}-`)).length;
    const known = made.get(key);
    const name = known?.volume.name ?? (taken === 0 ? base : `${base}-${taken + 1}`);
    if (known === undefined) made.set(key, { volume: { name, from }, ...(zip === undefined ? {} : { zip }) });
    return name;
  };
  const nameInItem = (stage: Stage, volume: string): string => {
    const attempt = newestAttempt(state, stage.name)?.attempt ?? 1;
    const item = parts.items.of(stage, attempt).stage.mounts[
      stage.mounts.findIndex((mount) => mount.kind === 'volume' && mount.volume === volume)
    ];
    return item?.kind === 'volume' ? item.volume : volume;
  };
  const seenBy: Volumes['seenBy'] = (stage, volume) => {
    const left = leftBy(parts, state, stage, nameInItem(stage, volume));
    const again = left === undefined ? undefined : byName.get(left.stage);
    if (again !== undefined) return seenBy(again, volume);
    return make(
      volume,
      left === undefined ? (plan.volumes.find(({ name }) => name === volume)?.from ?? 'empty') : { tree: bare(left.tree) },
    );
  };
  return {
    seenBy,
    leftBy: (stage) => {
      const attempt = newestAttempt(state, stage);
      const { tree } = attempt ?? {};
      if (tree === undefined) return { volume: make(`${stage}-files`, 'empty') };
      const kept = attempt?.keptVolumes?.[tree.volume];
      if (kept === undefined) throw gone(state, `what "${stage}" left`);
      const { directory } = tree;
      const where = directory === undefined ? {} : { directory };
      return { volume: make(`${stage}-files`, { tree: bare(kept) }, { stage, ...where }), ...where };
    },
    all: () => [...made.values()],
  };
};

const bare = (digest: string): string => digest.replace(/^sha256:/, '');

const gone = ({ number }: RunState, what: string): ReleaseError =>
  new ReleaseError('RELEASE_GONE', `The release of run ${number} cannot run again: ${what} is no longer kept.`);

type About = { readonly names: ReadonlySet<string>; readonly volumes: Volumes; readonly outputs: ReadonlyMap<string, string> };

const again = (parts: PlanParts, state: RunState, stage: Stage, { names, volumes, outputs }: About): Stage => {
  const attempt = newestAttempt(state, stage.name);
  const { workdir } = parts.items.of(stage, attempt?.attempt ?? 1).stage;
  const valued = withValues(withCircumstances(stage, state.circumstances ?? {}), (given, isFile) => {
    if (given.kind !== 'output' || names.has(given.stage)) return given;
    const text = outputs.get(given.stage) ?? '';
    return { kind: 'literal', value: isFile ? text : text.trim() };
  });
  const mount = (given: Mount): Mount => {
    if (given.kind === 'volume') return { ...given, volume: volumes.seenBy(stage, given.volume) };
    if (given.kind !== 'artifacts' || names.has(given.stage)) return given;
    return { kind: 'volume', ...volumes.leftBy(given.stage), path: given.path, access: 'read-only' };
  };
  const builds = new Map(buildVolumesOf(stage).map((volume) => [volume, volumes.seenBy(stage, volume)]));
  const image = (given: ImageSource, ran: AttemptState['image']): ImageSource => {
    switch (given.kind) {
      case 'build':
        return { ...given, volume: builds.get(given.volume) ?? given.volume };
      case 'reference':
        return pinned(given.reference, ran?.digest);
      case 'output':
        return names.has(given.stage) ? given : pinned((outputs.get(given.stage) ?? '').trim(), ran?.pulled ? ran.digest : undefined);
      case 'stage': {
        if (names.has(given.stage)) return given;
        const made = newestAttempt(state, given.stage)?.committed;
        const maker = parts.indexed.nodes.get(given.stage);
        if (made === undefined || maker?.kind !== 'stage' || maker.commit?.push !== true)
          throw gone(state, `the image that "${given.stage}" made`);
        return pinned(made.reference, ran?.digest ?? made.digest);
      }
    }
  };
  const { workdir: _workdir, range: _range, ...rest } = valued;
  return {
    ...rest,
    needs: stage.needs.filter(({ node }) => names.has(node)),
    image: image(stage.image, attempt?.image),
    ...(workdir === undefined ? {} : { workdir }),
    mounts: stage.mounts.map(mount),
    services: valued.services.map((service) => ({ ...service, image: image(service.image, undefined) })),
    ...(stage.artifacts === undefined ? {} : { artifacts: { ...stage.artifacts, volume: volumes.seenBy(stage, stage.artifacts.volume) } }),
  };
};
