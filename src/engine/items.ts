import { posix } from 'node:path';
import { parseImageReference } from '../plan/image-reference.ts';
import type { ImageSource, Mount, Plan, Stage } from '../plan/plan.ts';
import { stagesOfTheRun, withCircumstances } from '../plan/circumstances.ts';
import { artifactsAskedBy, buildVolumesOf, imagesOf, stagesOf } from '../plan/stage.ts';
import type { ArtifactRef } from '../run/run-event.ts';
import type { AttemptState, RunState, StageState } from '../run/run-state.ts';
import type { Item } from '../runtimes/runtime.ts';
import { RuntimeError } from '../runtimes/runtime-error.ts';
import type { Outputs } from './outputs.ts';

/** Makes the plain data that a runtime takes of what a plan says about volumes, artifacts, images and circumstances, and a run's state knows by now. */
export type Items = {
  /** With its volumes and mounts as they are now, and what is so of the run. */
  of(stage: Stage, attempt: number): Item;
  /** With its images too; rejects when a stage that had to leave or to print one did not. */
  withImages(item: Item): Promise<Item>;
  /** Whether `of` and `withImages` would say now what they will say when the stage's turn comes. */
  canForesee(stage: Stage): boolean;
};

export const itemsOf = (plan: Plan, project: string, state: () => RunState, outputs: Pick<Outputs, 'read'>): Items => {
  const stages = new Map(stagesOf(plan).map((stage) => [stage.name, stage]));
  const writers = writersIn(plan);
  const owners = ownersIn(plan, writers);
  const ofTheRun = stagesOfTheRun(plan);
  const isAlone = stages.size === 1 && [...stages.values()].every(({ done }) => done === undefined);
  const ran = (name: string): StageState | undefined => {
    const node = state().nodes.get(name);
    return node?.kind === 'stage' ? node : undefined;
  };
  const newest = (name: string): AttemptState | undefined => ran(name)?.attempts.at(-1);
  const isOver = (name: string): boolean => ran(name)?.phase === 'finished';

  /** A volume that one stage alone writes is new for each of its attempts (R-DCK-58). */
  const volumeFor = (volume: string, stage: Stage, attempt: number): string => {
    const owner = owners.get(volume);
    const written = owner === undefined ? 1 : owner === stage.name ? attempt : (newest(owner)?.attempt ?? 1);
    return written > 1 ? `${volume}@${written}` : volume;
  };

  const mountFor = (mount: Mount, stage: Stage, attempt: number): Mount => {
    switch (mount.kind) {
      case 'volume':
        return { ...mount, volume: volumeFor(mount.volume, stage, attempt) };
      case 'artifacts': {
        const tree = newest(mount.stage)?.tree ?? { volume: artifactsVolume(mount.stage, 0) };
        return { kind: 'volume', ...tree, path: mount.path, access: 'read-only' };
      }
      case 'cache':
      case 'host':
        return mount;
    }
  };

  const imageFor = async (image: ImageSource): Promise<ImageSource> => {
    switch (image.kind) {
      case 'reference':
      case 'build':
        return image;
      case 'stage': {
        const committed = newest(image.stage)?.committed;
        if (committed === undefined) throw new RuntimeError('IMAGE_NOT_FOUND', `"${image.stage}" has left no image`);
        return { kind: 'reference', reference: committed.reference };
      }
      case 'output': {
        if (newest(image.stage)?.output === undefined) throw new RuntimeError('IMAGE_NOT_FOUND', `"${image.stage}" has printed no image`);
        const { bytes } = await outputs.read(image.stage);
        return { kind: 'reference', reference: printedImage(image.stage, Buffer.from(bytes).toString('utf8').trim()) };
      }
    }
  };

  const isVolumeKnown = (volume: string, stage: Stage): boolean => {
    const owner = owners.get(volume);
    if (owner === undefined || owner === stage.name || isOver(owner)) return true;
    const own = ran(owner);
    return stages.get(owner)?.retry.attempts === 1 && (own?.phase !== 'waiting' || own.attempts.length === 0);
  };
  const isBuildKnown = (volume: string, stage: Stage): boolean =>
    state().filledVolumes.has(volume) && (writers.get(volume) ?? []).every((writer) => writer === stage.name || isOver(writer));

  /** In the one directory that a mount which is entered consists of. */
  const workdirFor = ({ workdir, mounts }: Stage): { readonly workdir?: string } => {
    if (workdir === undefined) return {};
    const entered = mounts.find((mount) => mount.kind === 'artifacts' && mount.enter === true && mount.path === workdir);
    const only = entered?.kind === 'artifacts' ? onlyDirectory(newest(entered.stage)?.artifacts) : undefined;
    return { workdir: only === undefined ? workdir : posix.join(workdir, only) };
  };

  return {
    of: (stage, attempt) => ({
      run: state().run,
      project,
      attempt,
      ...(isAlone ? { alone: true as const } : {}),
      stage: {
        ...(ofTheRun.has(stage.name) ? withCircumstances(stage, state().circumstances ?? {}) : stage),
        ...workdirFor(stage),
        mounts: stage.mounts.map((mount) => mountFor(mount, stage, attempt)),
        ...(stage.artifacts === undefined
          ? {}
          : { artifacts: { ...stage.artifacts, volume: volumeFor(stage.artifacts.volume, stage, attempt) } }),
      },
    }),
    withImages: async (item) => ({
      ...item,
      stage: {
        ...item.stage,
        image: await imageFor(item.stage.image),
        services: await Promise.all(item.stage.services.map(async (service) => ({ ...service, image: await imageFor(service.image) }))),
      },
    }),
    canForesee: (stage) =>
      artifactsAskedBy(stage).every(isOver) &&
      imagesOf(stage).every((image) => (image.kind === 'stage' || image.kind === 'output' ? isOver(image.stage) : true)) &&
      stage.mounts.every((mount) => mount.kind !== 'volume' || isVolumeKnown(mount.volume, stage)) &&
      buildVolumesOf(stage).every((volume) => isBuildKnown(volume, stage)),
  };
};

/** A volume of its own for what a stage left, when the volume it worked in holds more; that of attempt 0 is empty. */
export const artifactsVolume = (stage: string, attempt: number): string => `${stage}@${attempt}.artifacts`;

/** Stages whose artifacts another stage mounts. */
export const mountedArtifacts = (plan: Plan): ReadonlySet<string> => new Set(stagesOf(plan).flatMap(artifactsAskedBy));

/** The directory that is all there is at the root of some files. */
const onlyDirectory = (artifacts: ArtifactRef | undefined): string | undefined => {
  const [first] = artifacts?.files ?? [];
  const directory = first?.path.slice(0, first.path.indexOf('/') + 1) ?? '';
  if (directory === '' || directory === './') return undefined;
  return artifacts?.files.every(({ path }) => path.startsWith(directory)) ? directory.slice(0, -1) : undefined;
};

const writersIn = (plan: Plan): ReadonlyMap<string, readonly string[]> => {
  const writers = new Map<string, Set<string>>();
  for (const stage of stagesOf(plan)) {
    for (const mount of stage.mounts) {
      if (mount.kind !== 'volume' || mount.access !== 'read-write') continue;
      const known = writers.get(mount.volume) ?? new Set();
      writers.set(mount.volume, known.add(stage.name));
    }
  }
  return new Map([...writers].map(([volume, names]) => [volume, [...names]]));
};

/** The one stage that writes a volume which begins empty. */
const ownersIn = (plan: Plan, writers: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, string> =>
  new Map(
    plan.volumes.flatMap(({ name, from }) => {
      const [writer, ...others] = writers.get(name) ?? [];
      return from === 'empty' && writer !== undefined && others.length === 0 ? [[name, writer] as const] : [];
    }),
  );

const printedImage = (stage: string, text: string): string => {
  if (text === '') throw new ImageNameInvalid(stage, 'printed nothing');
  const lines = text.split('\n').length;
  if (lines > 1) throw new ImageNameInvalid(stage, `printed ${lines} lines`);
  if (!parseImageReference(text).ok) throw new ImageNameInvalid(stage, 'printed something else');
  return text;
};

class ImageNameInvalid extends Error {
  readonly code = 'IMAGE_NAME_INVALID';

  constructor(stage: string, did: string) {
    super(`"${stage}" has to print the name of an image and nothing else, but it ${did}`);
  }
}
