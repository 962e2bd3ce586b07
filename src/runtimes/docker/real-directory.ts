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
  try {
    const headers = await engine.head(`/containers/${container}/archive`, { query: { path }, signal });
    const stat = Buffer.from(String(headers['x-docker-container-path-stat'] ?? ''), 'base64').toString();
    const { mode } = JSON.parse(stat) as { readonly mode: number };
    return Math.floor(mode / goModeDirectory) % 2 === 1;
  } catch (error) {
    if (isRefusal(error, 404)) return false;
    throw error;
  }
};

const goModeDirectory = 2 ** 31;
