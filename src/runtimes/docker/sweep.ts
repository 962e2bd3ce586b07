import type { Swept } from '../runtime.ts';
import { untilRemoved } from './boxes.ts';
import type { Engine } from './engine/engine.ts';
import { EngineError } from './engine/engine-error.ts';
import { isRefusal, unlessGone } from './failures.ts';
import { cacheRole, type Labels, label, labelFilter } from './labels.ts';

/**
 * Removes whatever carries the labels, containers first: they use the rest. `spare` are runs that stay; caches stay unless they are meant. An engine that is
 * killed while it makes or removes a volume may have it without its labels when it is back: such are known by their names.
 */
export const removeLabelled = async (
  engine: Engine,
  labels: Labels,
  options: { readonly spare?: ReadonlySet<string>; readonly images?: boolean; readonly lostVolumes?: LostVolumes },
  signal: AbortSignal,
): Promise<Swept> => {
  const filters = labelFilter(labels);
  const mayGo = (thing: { readonly Labels: Labels | null }): boolean => {
    if (thing.Labels?.[label.role] === cacheRole && labels[label.role] !== cacheRole) return false;
    const run = thing.Labels?.[label.run];
    return options.spare === undefined || (run !== undefined && !options.spare.has(run));
  };

  const remove = async (path: string): Promise<boolean> =>
    (await unlessGone(engine.json('DELETE', path, { signal }).then(() => true))) ?? false;
  /** One after the other: they share layers, and the engine fails on two that want to remove the same. */
  const removeImages = async (ids: readonly string[]): Promise<number> => {
    let removed = 0;
    for (const id of ids) {
      try {
        if (await remove(`/images/${id}`)) removed += 1;
      } catch (error) {
        if (!isRefusal(error, 409) && !(error instanceof EngineError && /unrecognized image/i.test(error.message))) throw error;
      }
    }
    return removed;
  };
  const count = async (removals: readonly Promise<boolean>[]): Promise<number> => {
    const settled = await Promise.allSettled(removals);
    const failed = settled.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return settled.filter((each) => each.status === 'fulfilled' && each.value).length;
  };

  const query = { filters };
  const [found, foundNetworks, foundImages] = await Promise.all([
    engine.json<readonly Container[]>('GET', '/containers/json', { query: { ...query, all: true }, signal }),
    engine.json<readonly Network[]>('GET', '/networks', { query, signal }),
    options.images === true ? engine.json<readonly Image[]>('GET', '/images/json', { query, signal }) : [],
  ]);
  const containers = await count(found.filter(mayGo).map(({ Id }) => removeContainer(engine, Id, signal)));
  // Those without a name are gone with their containers.
  const volumesOf = async (filter: string): Promise<readonly Volume[]> =>
    (await engine.json<{ readonly Volumes: readonly Volume[] | null }>('GET', '/volumes', { query: { filters: filter }, signal }))
      .Volumes ?? [];
  const { lostVolumes } = options;
  const [labelled, named] = await Promise.all([
    volumesOf(filters),
    lostVolumes === undefined ? [] : volumesOf(JSON.stringify({ name: [lostVolumes.prefix] })),
  ]);
  const isLost = ({ Name, Labels: own }: Volume): boolean =>
    own?.[label.namespace] === undefined && lostVolumes !== undefined && Name.startsWith(lostVolumes.prefix) && lostVolumes.isMeant(Name);
  const gone = [...labelled.filter(mayGo), ...named.filter(isLost)];
  const [volumes, networks, images] = await Promise.all([
    count(gone.map(({ Name }) => remove(`/volumes/${Name}`))),
    count(foundNetworks.filter(mayGo).map(({ Id }) => remove(`/networks/${Id}`))),
    removeImages(foundImages.filter(mayGo).map(({ Id }) => Id)),
  ]);
  return { containers, volumes, networks, images };
};

/** Whether it was there, and nobody else was removing it; it is gone in any case. */
export const removeContainer = async (engine: Engine, id: string, signal: AbortSignal): Promise<boolean> => {
  try {
    const removed = engine.json('DELETE', `/containers/${id}`, { query: { force: true, v: true }, signal }).then(() => true);
    return (await unlessGone(removed)) ?? false;
  } catch (error) {
    if (!isRefusal(error, 409)) throw error;
    await untilRemoved(engine, id, signal);
    return false;
  }
};

/** Those whose names begin so and that have no labels. */
export type LostVolumes = { readonly prefix: string; isMeant(name: string): boolean };

/** Takes names from images, where they still mean them. One that a container uses keeps its last name. */
export const removeNamed = async (
  engine: Engine,
  images: readonly { readonly reference: string; readonly digest: string }[],
  signal: AbortSignal,
): Promise<Swept> => {
  let removed = 0;
  for (const { reference, digest } of images) {
    const record = await unlessGone(engine.json<{ readonly Id: string }>('GET', `/images/${reference}/json`, { signal }));
    if (record?.Id !== digest) continue;
    try {
      const said = await unlessGone(engine.json<readonly Removed[]>('DELETE', `/images/${reference}`, { signal }));
      if (said?.some(({ Deleted }) => Deleted === digest)) removed++;
    } catch (error) {
      if (!isRefusal(error, 409)) throw error;
    }
  }
  return { containers: 0, volumes: 0, networks: 0, images: removed };
};

type Removed = { readonly Deleted?: string };
type Container = { readonly Id: string; readonly Labels: Labels | null };
type Volume = { readonly Name: string; readonly Labels: Labels | null };
type Network = { readonly Id: string; readonly Labels: Labels | null };
type Image = { readonly Id: string; readonly Labels: Labels | null };
