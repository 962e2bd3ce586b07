import type { Readable } from 'node:stream';
import type { LeaseBytes } from '../api/worker-bytes.ts';
import type { Claimed, WorkerFact } from '../api/worker-protocol.ts';
import { abortable } from '../lib/abortable.ts';
import type { ImageSource } from '../plan/plan.ts';
import { buildVolumesOf } from '../plan/stage.ts';
import type { FileTree } from '../run/run-event.ts';
import type { Item, Runtime } from '../runtimes/runtime.ts';
import { RuntimeError } from '../runtimes/runtime-error.ts';
import { boundExecution } from './bound-execution.ts';
import { checkedTree, keptWhole } from './checked-tree.ts';
import type { EngineVolume, EngineVolumes, SharedVolume } from './engine-volumes.ts';
import type { Patience } from './patience.ts';
import { WorkerError } from './worker-error.ts';

/** Names on the engine by the item's own names of its volumes. */
export type VolumeNames = Readonly<Record<string, string>>;

export type ItemVolumes = {
  /** As the engine sees it: in calls the item's names of volumes, beyond it the engine's. Everything rejects with the reason of `gone`, and stops nothing. */
  readonly runtime: Runtime;
  /** Makes sure that its volumes hold what the claim says. */
  fill(item: Item): Promise<void>;
  /** Sends what volumes hold to where other workers find it, and says so in facts. */
  handOver(item: Item, tree: FileTree | undefined): Promise<readonly WorkerFact[]>;
  /** Its containers are gone. */
  release(): void;
};

/** The volumes of one attempt: which of the engine's they are, and how these come to hold what they should. */
export const itemVolumes = (given: {
  readonly runtime: Runtime;
  readonly volumes: EngineVolumes;
  readonly claimed: Claimed;
  readonly bytes: Pick<LeaseBytes, 'trees' | 'caches'>;
  readonly patience: Patience;
  readonly gone: AbortSignal;
  /** Of an attempt that was let go by a process before; its volumes are filled. `undefined`: not known any more. */
  readonly recorded: VolumeNames | undefined;
  /** The engine did not answer, or its connection broke. May abort `gone`. */
  engineAway(error: RuntimeError): void;
  /** Waited for before anything is made for it on the engine. */
  record(names: VolumeNames): Promise<void>;
}): ItemVolumes => {
  const { runtime, volumes, claimed, bytes, patience, gone, recorded } = given;
  const { run } = claimed.work;
  const wasLetGo = claimed.started !== undefined;
  const never = new AbortController().signal;
  const own = new Map<string, EngineVolume>();
  const shares: SharedVolume[] = [];
  let recording: Promise<void> | undefined;

  for (const [volume, name] of Object.entries(recorded ?? {})) own.set(volume, { name, filled: async () => {} });

  const put = async (name: string, open: () => Promise<Readable | undefined>): Promise<void> => {
    let broken: unknown;
    const tar = await open();
    if (tar === undefined) return;
    tar.once('error', (error) => {
      broken = error;
    });
    await runtime.write({ run, volume: name }, tar, gone).catch((error: unknown) => {
      tar.destroy();
      throw broken ?? error;
    });
  };

  /** A volume may be called as something that every object has. */
  const contentOf = (volume: string) => (Object.hasOwn(claimed.volumes, volume) ? claimed.volumes[volume] : undefined);

  const choose = (volume: string, isWritten: boolean): EngineVolume => {
    const content = contentOf(volume);
    if (content === undefined) return { name: volumes.fresh(volume), filled: async () => {} };
    const fetch = (name: string): Promise<void> =>
      patience.until(
        () =>
          put(name, async () =>
            content.kind === 'tree' ? checkedTree(await bytes.trees.open(content.digest), content.digest) : bytes.caches.open(content.key),
          ),
        gone,
      );
    if (content.kind === 'cache') {
      const name = volumes.fresh(volume);
      let filling: Promise<void> | undefined;
      return { name, filled: () => (filling ??= fetch(name)) };
    }
    if (isWritten) return volumes.own(run, asEventsSay(content.digest), volume, fetch, gone);
    const shared = volumes.shared(run, asEventsSay(content.digest), volume, fetch);
    shares.push(shared);
    return shared;
  };

  const isWrittenBy = (item: Item, volume: string): boolean =>
    item.stage.mounts.some((mount) => mount.kind === 'volume' && mount.volume === volume && mount.access === 'read-write');

  const volumeOf = (volume: string, isWritten = true): EngineVolume => {
    const known = own.get(volume);
    if (known !== undefined) return known;
    if (wasLetGo && (recorded === undefined || contentOf(volume) !== undefined)) {
      throw new WorkerError('WORKER_STATE_LOST', `which volume of the engine is "${volume}" was known to a process that is gone`);
    }
    const chosen = choose(volume, isWritten);
    own.set(volume, chosen);
    return chosen;
  };

  const usedBy = (item: Item): readonly EngineVolume[] => {
    const mounted = item.stage.mounts.flatMap((mount) => (mount.kind === 'volume' ? [mount.volume] : []));
    return [...new Set([...mounted, ...buildVolumesOf(item.stage)])].map((volume) => volumeOf(volume, isWrittenBy(item, volume)));
  };

  const recordedOnce = (item: Item): Promise<void> => {
    usedBy(item);
    recording ??= given.record(Object.fromEntries([...own].map(([volume, { name }]) => [volume, name])));
    return recording;
  };

  const imageOf = (image: ImageSource): ImageSource => (image.kind === 'build' ? { ...image, volume: volumeOf(image.volume).name } : image);

  const onEngine = (item: Item): Item => {
    usedBy(item);
    const { stage } = item;
    return {
      ...item,
      stage: {
        ...stage,
        image: imageOf(stage.image),
        services: stage.services.map((service) => ({ ...service, image: imageOf(service.image) })),
        mounts: stage.mounts.map((mount) => (mount.kind === 'volume' ? { ...mount, volume: volumeOf(mount.volume).name } : mount)),
      },
    };
  };

  /** With the item's own names in what an error says. */
  const named = (error: unknown): unknown => {
    if (!(error instanceof RuntimeError)) return error;
    const message = [...own].reduce((text, [volume, { name }]) => text.replaceAll(name, volume), error.message);
    return message === error.message ? error : new RuntimeError(error.code, message, { cause: error });
  };

  const bound = async <T>(work: () => Promise<T>): Promise<T> => {
    gone.throwIfAborted();
    try {
      return await abortable(work(), gone);
    } catch (error) {
      gone.throwIfAborted();
      if (isAway(error)) given.engineAway(error);
      gone.throwIfAborted();
      throw named(error);
    }
  };

  return {
    runtime: {
      name: runtime.name,
      ready: (signal) => runtime.ready(signal),
      prepare: (item, notify, signal) =>
        bound(async () => {
          await recordedOnce(item);
          const inside = item.stage.mounts.flatMap((mount) => (mount.kind === 'volume' && mount.directory !== undefined ? [mount] : []));
          await Promise.all(inside.map(({ volume }) => volumeOf(volume).filled()));
          return runtime.prepare(onEngine(item), notify, signal);
        }),
      start: (item, values, signal) => bound(async () => boundExecution(bound, gone, await runtime.start(onEngine(item), values, signal))),
      attach: (item, signal) =>
        bound(async () => {
          const attached = await runtime.attach(wasLetGo && recorded === undefined ? item : onEngine(item), signal);
          return attached.kind === 'live' ? { ...attached, execution: boundExecution(bound, gone, attached.execution) } : attached;
        }),
      write: (ref, tar, signal) => bound(async () => runtime.write({ ...ref, volume: volumeOf(ref.volume).name }, tar, signal)),
      read: (ref, signal) => bound(async () => runtime.read({ ...ref, volume: volumeOf(ref.volume).name }, signal)),
      sweep: (scope, signal) => runtime.sweep(scope, signal),
    },

    fill: (item) =>
      bound(async () => {
        await recordedOnce(item);
        await Promise.all(usedBy(item).map((volume) => volume.filled()));
      }),

    handOver: (item, tree) =>
      bound(async () => {
        const wanted = new Set([...claimed.keep, ...(claimed.isMounted && tree !== undefined ? [tree.volume] : [])]);
        const keep = async (volume: string): Promise<readonly WorkerFact[]> => {
          const { name } = volumeOf(volume);
          const kept = await patience.until(async () => {
            const tar = await runtime.read({ run, volume: name }, never);
            return tar && keptWhole(tar, bytes.trees.keep);
          }, gone);
          if (kept === undefined) return [];
          const tree = asEventsSay(kept.digest);
          volumes.holds(run, tree, name);
          return [
            {
              kind: 'volume.kept',
              stage: item.stage.name,
              attempt: item.attempt,
              volume,
              tree,
              bytes: kept.bytes,
            },
          ];
        };
        return (await Promise.all([...wanted].map(keep))).flat();
      }),

    release: () => {
      for (const share of shares) share.release();
    },
  };
};

const isAway = (error: unknown): error is RuntimeError =>
  error instanceof RuntimeError && (error.code === 'ENGINE_LOST' || error.code === 'ENGINE_UNREACHABLE');

/** Stores and plans call a tree by its digits alone. */
const asEventsSay = (digest: string): string => (digest.startsWith('sha256:') ? digest : `sha256:${digest}`);
