import type { Claimed, VolumeContent } from '../../api/worker-protocol.ts';
import { artifactsVolume } from '../../engine/items.ts';
import { buildVolumesOf } from '../../plan/stage.ts';
import type { Plan, Stage, Volume } from '../../plan/plan.ts';
import type { RunState } from '../../run/run-state.ts';
import { type PlanParts, stageIn } from './plan-parts.ts';
import { newestAttempt } from './stage-attempt.ts';

/**
 * What the volumes of an attempt hold when it begins, by their names in its item (docs/adr/0060-server-and-workers.md): what the newest of the stages that it needs, directly
 * or through others, left in it; else what the volume begins with. `stage` is the plan's, `work` the item that was made of it. Pure.
 */
export const volumeContents = (
  parts: PlanParts,
  state: RunState,
  stage: Stage,
  work: Claimed['work'],
): Readonly<Record<string, VolumeContent>> => {
  const contents: Record<string, VolumeContent> = {};
  const put = (name: string, content: VolumeContent | undefined): void => {
    if (content !== undefined) contents[name] = content;
  };
  stage.mounts.forEach((mount, index) => {
    const mounted = work.stage.mounts[index];
    if (mounted?.kind !== 'volume') return;
    if (mount.kind === 'artifacts') put(mounted.volume, tree(newestAttempt(state, mount.stage)?.keptVolumes?.[mounted.volume]));
    if (mount.kind === 'volume')
      put(mounted.volume, leftIn(parts, state, stage, mounted.volume) ?? beginning(parts.indexed.plan, state, mount.volume));
  });
  for (const volume of buildVolumesOf(stage)) {
    put(volume, leftIn(parts, state, stage, volume) ?? beginning(parts.indexed.plan, state, volume));
  }
  return contents;
};

/** The volumes that an attempt writes and that stages which may still run mount or build from, by their names in its item. Pure. */
export const volumesToKeep = (parts: PlanParts, state: RunState, stage: Stage, work: Claimed['work']): readonly string[] => {
  const written = new Map<string, string>();
  stage.mounts.forEach((mount, index) => {
    const mounted = work.stage.mounts[index];
    if (mount.kind === 'volume' && mounted?.kind === 'volume' && mount.access === 'read-write') written.set(mount.volume, mounted.volume);
  });
  const keep = new Set<string>();
  const wanted = new Set(written.keys());
  for (const later of wanted.size === 0 ? [] : descendants(parts, stage.name)) {
    if (!mayRun(state, later.name)) continue;
    for (const volume of seenBy(later)) {
      const name = written.get(volume);
      if (wanted.delete(volume) && name !== undefined) keep.add(name);
    }
    if (wanted.size === 0) break;
  }
  return [...keep];
};

/** The volumes in which an attempt may leave something, by their names in its item. */
export const writableVolumes = (work: Claimed['work']): ReadonlySet<string> =>
  new Set([
    ...work.stage.mounts.flatMap((mount) => (mount.kind === 'volume' && mount.access === 'read-write' ? [mount.volume] : [])),
    ...(work.stage.artifacts === undefined ? [] : [work.stage.artifacts.volume]),
    artifactsVolume(work.stage.name, work.attempt),
  ]);

const tree = (digest: string | undefined): VolumeContent | undefined => (digest === undefined ? undefined : { kind: 'tree', digest });

const beginning = (plan: Plan, state: RunState, name: string): VolumeContent | undefined => {
  const from: Volume['from'] = plan.volumes.find((volume) => volume.name === name)?.from ?? 'empty';
  if (from === 'empty') return undefined;
  if (from === 'source') return tree(state.sourceTree ?? missingSource(state.run));
  return 'cache' in from ? { kind: 'cache', key: from.cache } : tree(from.tree);
};

const missingSource = (run: string): never => {
  throw new SourceMissing(run);
};

class SourceMissing extends Error {
  readonly code = 'SOURCE_MISSING';

  constructor(run: string) {
    super(`the files of ${run} were never kept`);
  }
}

/** Of those that left something in it, the newest: none that another of them needs, and of several the one that ended last. */
const leftIn = (parts: PlanParts, state: RunState, stage: Stage, volume: string): VolumeContent | undefined =>
  tree(leftBy(parts, state, stage, volume)?.tree);

/** The same, and which stage it was. `volume` by its name in the stage's item. Pure. */
export const leftBy = (
  parts: PlanParts,
  state: RunState,
  stage: Stage,
  volume: string,
): { readonly stage: string; readonly tree: string } | undefined => {
  const keptBy = (name: string): string | undefined => newestAttempt(state, name)?.keptVolumes?.[volume];
  const nearest = ancestors(parts, stage.name, (name) => keptBy(name) !== undefined).filter((name) => keptBy(name) !== undefined);
  const older = new Set(nearest.length < 2 ? [] : nearest.flatMap((name) => ancestors(parts, name, () => false)));
  const endOf = (name: string): number => newestAttempt(state, name)?.finishedAt ?? 0;
  const newest = nearest.filter((name) => !older.has(name)).reduce((a, b) => (a !== undefined && endOf(a) >= endOf(b) ? a : b), nearest[0]);
  const kept = newest === undefined ? undefined : keptBy(newest);
  return newest === undefined || kept === undefined ? undefined : { stage: newest, tree: kept };
};

/** All that a node needs; not what is behind those at which it `stops`. */
const ancestors = (parts: PlanParts, name: string, stops: (name: string) => boolean): readonly string[] => {
  const found = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const { node } of parts.indexed.nodes.get(next)?.needs ?? []) {
      if (found.has(node)) continue;
      found.add(node);
      if (!stops(node)) open.push(node);
    }
  }
  return [...found];
};

/** The stages that need a node, nearest first. */
function* descendants(parts: PlanParts, name: string): Iterable<Stage> {
  const found = new Set<string>();
  const open = [name];
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    for (const { name: later } of parts.indexed.dependants.get(next) ?? []) {
      if (found.has(later)) continue;
      found.add(later);
      open.push(later);
      const stage = stageIn(parts, later);
      if (stage !== undefined) yield stage;
    }
  }
}

const mayRun = (state: RunState, name: string): boolean => state.only?.has(name) !== false && state.nodes.get(name)?.phase !== 'finished';

const seenBy = (stage: Stage): readonly string[] => [
  ...stage.mounts.flatMap((mount) => (mount.kind === 'volume' ? [mount.volume] : [])),
  ...buildVolumesOf(stage),
];
