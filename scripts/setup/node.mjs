import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';
import { SetupError } from './setup-error.mjs';

/** TypeScript runs as it is from this version on. */
const needed = [22, 18];

export const isNewEnough = (version) => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > needed[0] || (major === needed[0] && minor >= needed[1]);
};

/** The Node among the packages, where there is one for this machine. */
export const packagedNode = () => {
  const path = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  return existsSync(path) ? path : undefined;
};

/** The Node that runs this project: this process's own when it is new enough, else the packaged one. */
export const projectNode = () => {
  if (isNewEnough(process.versions.node)) return process.execPath;
  const packaged = packagedNode();
  if (packaged !== undefined) return packaged;
  throw new SetupError(
    `Node ${needed.join('.')} or newer is needed; this is ${process.versions.node}, and none is packaged for this machine.`,
  );
};
