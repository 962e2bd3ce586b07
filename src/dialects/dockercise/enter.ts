import type { Mount } from '../../plan/plan.ts';
import { sourceVolume } from './directories.ts';
import type { Said } from './names.ts';
import { namesFromHere } from './references.ts';
import type { Vol } from './vol.ts';

/**
 * The path of the volume in which a stage without `dir` begins: its only one, when it is another stage's, stands at its usual place, and no
 * script names it, or outputs, from the working directory (R-DCO-48).
 */
export const enteredBy = (vols: readonly Said<Vol>[], scripts: readonly (string | undefined)[]): string | undefined => {
  const [only, ...others] = vols.map(({ value }) => value);
  if (only === undefined || others.length > 0 || only.kind !== 'stage' || !only.plain || only.stage === sourceVolume) return undefined;
  const isNamed = scripts.some((script = '') => namesFromHere(script, only.stage) || namesFromHere(script, 'out'));
  return isNamed ? undefined : only.path;
};

export const entering =
  (path: string | undefined) =>
  (mount: Mount): Mount =>
    mount.kind === 'artifacts' && mount.path === path ? { ...mount, enter: true } : mount;
