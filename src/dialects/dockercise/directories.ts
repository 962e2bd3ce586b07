import { posix } from 'node:path';

/** Where a stage begins: a directory of its own. It and what is below it are part of the language: docs/dialects/dockercise.md. */
export const workingDir = '/dockercise';
export const outDir = posix.join(workingDir, 'out');
export const outputFile = (stage: string): string => posix.join(outDir, stage);
export const sshKeyFile = '/run/cion-ssh/key';

/** The volume of the commit's files: images are built from it, and `vol: source` gives a stage a copy. */
export const sourceVolume = 'source';

/** The absolute path that a path of the text means, `~/…` as it is; `undefined` when it leads out of the working directory. */
export const placeOf = (path: string): string | undefined => {
  if (path === '~' || path.startsWith('~/')) return path.split('/').includes('..') ? undefined : posix.normalize(path).replace(/\/$/, '');
  const place = posix.resolve(workingDir, path);
  return path.startsWith('/') || place === workingDir || place.startsWith(`${workingDir}/`) ? place : undefined;
};

/** The name in the working directory that a mount there makes. */
export const nameBelow = (place: string): string | undefined =>
  place.startsWith(`${workingDir}/`) ? place.slice(workingDir.length + 1).split('/', 1)[0] : undefined;
