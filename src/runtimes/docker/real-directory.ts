import { posix } from 'node:path';
import type { Engine } from './engine/engine.ts';
import { isRefusal } from './failures.ts';

/**
 * The directory in its plain form, relative to the root (`''`: that itself); `undefined` unless it and all above it are real directories of
 * the container.
 */
export const realDirectory = async (
  engine: Engine,
  container: string,
  root: string,
  directory: string,
  signal: AbortSignal,
): Promise<string | undefined> => {
  const steps = directory.split('/').filter((step) => step !== '' && step !== '.');
  if (steps.includes('..')) return undefined;
  for (let depth = 1; depth <= steps.length; depth++) {
    if (!(await isDirectory(engine, container, posix.join(root, ...steps.slice(0, depth)), signal))) return undefined;
  }
  return steps.join('/');
};

/** A link to a directory is none. */
const isDirectory = async (engine: Engine, container: string, path: string, signal: AbortSignal): Promise<boolean> => {
  const stat = await statOf(engine, container, path, signal);
  return stat !== undefined && Math.floor(stat.mode / goModeDirectory) % 2 === 1;
};

/** `mode` in the engine's own bits, of which the last nine are the permissions; of a link its own. */
export type PathStat = { readonly mode: number; readonly mtime: string };

/** `undefined` when there is no such path. */
export const statOf = async (engine: Engine, container: string, path: string, signal: AbortSignal): Promise<PathStat | undefined> => {
  try {
    const headers = await engine.head(`/containers/${container}/archive`, { query: { path }, signal });
    return JSON.parse(Buffer.from(String(headers['x-docker-container-path-stat'] ?? ''), 'base64').toString()) as PathStat;
  } catch (error) {
    if (isRefusal(error, 404)) return undefined;
    throw error;
  }
};

const goModeDirectory = 2 ** 31;
