import { posix } from 'node:path';
import type { Stage } from '../../plan/plan.ts';
import { RuntimeError } from '../runtime-error.ts';

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
