import { assertNever } from '../../lib/assert-never.ts';
import type { Mount } from '../../plan/plan.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { Item } from '../runtime.ts';
import { type Account, placed } from './accounts.ts';
import type { EngineMount } from './containers.ts';
import { cacheRole, label } from './labels.ts';
import type { Parts } from './parts.ts';

/** What the plan mounts; the volumes exist. */
export type Mounts = {
  at(account: Account | undefined): readonly EngineMount[];
  /** Copies what the stage is given a copy of. */
  fill(signal: AbortSignal): Promise<void>;
};

export const makeMounts = async (parts: Parts, item: Item, signal: AbortSignal): Promise<Mounts> => {
  // For a volume that was swept before its container was made: the engine makes it anew.
  const labels = parts.labelsOf(item, 'mounted');
  const made = await Promise.all(item.stage.mounts.map((mount) => makeMount(parts, item, mount, signal)));
  return {
    at: (account) =>
      made.map(({ path, ...mount }) => ({
        Type: mount.hostPath === undefined ? 'volume' : 'bind',
        Source: mount.hostPath ?? mount.volume,
        Target: placed(path, account),
        ReadOnly: mount.readOnly,
        ...(mount.hostPath === undefined ? { VolumeOptions: { NoCopy: true, Labels: labels } } : {}),
      })),
    fill: async (fillSignal) => {
      for (const { fill } of made) await fill?.(fillSignal);
    },
  };
};

type Made = {
  readonly path: string;
  readonly readOnly: boolean;
  readonly volume: string;
  readonly hostPath?: string;
  readonly fill?: (signal: AbortSignal) => Promise<void>;
};

const makeMount = async (parts: Parts, item: Item, mount: Mount, signal: AbortSignal): Promise<Made> => {
  const { names, trees, namespace } = parts;
  if (mount.kind === 'artifacts') throw new RuntimeError('UNSUPPORTED', `nobody said where the files of "${mount.stage}" are`);
  const common = { path: mount.path, readOnly: mount.access === 'read-only' };
  switch (mount.kind) {
    case 'volume':
      return { ...common, ...(await makeVolumeMount(parts, item, mount, signal)) };
    case 'cache': {
      const labels = { [label.namespace]: namespace, [label.project]: item.project, [label.role]: cacheRole };
      const volume = await trees.ensure(names.cache(item.project, mount.key), labels);
      await trees.helper(volume, parts.labelsOf(item, 'files'));
      return { ...common, volume };
    }
    case 'host':
      return { ...common, volume: '', hostPath: mount.hostPath };
    default:
      return assertNever(mount);
  }
};

const makeVolumeMount = async (
  parts: Parts,
  item: Item,
  { volume, directory, access }: Mount & { readonly kind: 'volume' },
  signal: AbortSignal,
): Promise<Pick<Made, 'volume' | 'fill'>> => {
  const { names, trees, volumes } = parts;
  const ref = { run: item.run, volume };
  if (access === 'copy') {
    const labels = parts.labelsOf(item, 'copy');
    const copy = await trees.ensure(names.copy(item, volume, directory), labels);
    const helper = await trees.helper(copy, labels);
    const tree = directory === undefined ? ref : { ...ref, directory };
    return {
      volume: copy,
      fill: async (fillSignal) => trees.write(helper, await volumes.open(tree, fillSignal), fillSignal),
    };
  }
  if (directory !== undefined) return { volume: await volumes.directory(ref, directory, signal) };
  const name = await volumes.ensure(ref);
  if (access !== 'read-write') return { volume: name };
  const helper = volumes.helper(ref);
  helper.catch(() => undefined);
  return { volume: name, fill: async () => void (await helper) };
};
