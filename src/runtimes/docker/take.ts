import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import type { Engine } from './engine/engine.ts';
import { realDirectory } from './real-directory.ts';

/** A tar of a directory of a container, paths relative to it. */
export const takeDirectory = async (
  engine: Engine,
  container: string,
  path: string,
  signal: AbortSignal,
): Promise<Readable | undefined> => {
  const directory = await realDirectory(engine, container, '/', path, signal);
  if (directory === undefined) return undefined;
  return engine.stream('GET', `/containers/${container}/archive`, { query: { path: `${posix.join('/', directory)}/.` }, signal });
};
