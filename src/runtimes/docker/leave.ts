import { posix } from 'node:path';
import { assertNever } from '../../lib/assert-never.ts';
import type { Stage } from '../../plan/plan.ts';
import type { Item } from '../runtime.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { EngineMount } from './containers.ts';
import { label } from './labels.ts';
import type { Parts } from './parts.ts';

/** What whoever runs the runtime lets stages do. */
export type Leave = { readonly allowPrivileged: boolean; readonly allowHostPaths: readonly string[] };

export const refuseWhatIsNotAllowed = (stage: Stage, leave: Leave): void => {
  for (const { name, privileged } of stage.services) {
    if (privileged && !leave.allowPrivileged) {
      throw new RuntimeError('PRIVILEGED_REFUSED', `the service "${name}" asks to be privileged, which is not allowed here`);
    }
  }
  for (const mount of stage.mounts) {
    if (mount.kind === 'host' && !leave.allowHostPaths.some((allowed) => isWithin(mount.hostPath, allowed))) {
      throw new RuntimeError('HOST_PATH_REFUSED', `the host path ${mount.hostPath} may not be mounted here`);
    }
  }
};

const isWithin = (path: string, allowed: string): boolean => {
  if (!posix.isAbsolute(path) || !posix.isAbsolute(allowed)) return false;
  const relative = posix.relative(posix.normalize(allowed), posix.normalize(path));
  return relative !== '..' && !relative.startsWith('../');
};

/** The volumes exist when it resolves. */
export const mountsOf = (parts: Parts, item: Item): Promise<readonly EngineMount[]> => {
  const { volumes, names, namespace } = parts;
  return Promise.all(
    item.stage.mounts.map(async (mount): Promise<EngineMount> => {
      if (mount.kind === 'artifacts') throw new RuntimeError('UNSUPPORTED', `the files of "${mount.stage}" cannot be mounted yet`);
      const common = { Target: mount.path, ReadOnly: mount.access === 'read-only' };
      switch (mount.kind) {
        case 'volume': {
          const source =
            mount.access === 'copy'
              ? await volumes.ensure(names.copy(item, mount.volume), parts.labelsOf(item, 'copy'))
              : await volumes.ensure(names.volume(item.run, mount.volume), volumes.labelsOf(item.run));
          return { ...common, Type: 'volume', Source: source, VolumeOptions: { NoCopy: true } };
        }
        case 'cache': {
          const name = names.cache(item.project, mount.key);
          const labels = { [label.namespace]: namespace, [label.project]: item.project, [label.role]: 'cache' };
          return { ...common, Type: 'volume', Source: await volumes.ensure(name, labels), VolumeOptions: { NoCopy: true } };
        }
        case 'host':
          return { ...common, Type: 'bind', Source: mount.hostPath };
        default:
          return assertNever(mount);
      }
    }),
  );
};
