import { posix } from 'node:path';
import { extract } from 'tar-stream';
import type { Engine } from './engine/engine.ts';
import { isRefusal } from './failures.ts';

/** A file in a container, links followed; `undefined` when there is none. What is beyond `most` bytes is left out. */
export const textOf = async (
  engine: Engine,
  container: string,
  path: string,
  signal: AbortSignal,
  most = Number.POSITIVE_INFINITY,
): Promise<string | undefined> => {
  let at = path;
  for (let links = 0; links < mostLinks; links++) {
    const found = await entryAt(engine, container, at, signal, most);
    if (found?.link === undefined) return found?.text;
    at = posix.resolve(posix.dirname(at), found.link);
  }
  return undefined;
};

const mostLinks = 20;

const entryAt = async (engine: Engine, container: string, path: string, signal: AbortSignal, most: number) => {
  try {
    const tar = await engine.stream('GET', `/containers/${container}/archive`, { query: { path }, signal });
    for await (const entry of tar.pipe(extract())) {
      const { type, linkname } = entry.header;
      if (type === 'symlink') return { link: linkname ?? '', text: undefined };
      if (type !== 'file') return undefined;
      const parts: Uint8Array[] = [];
      let length = 0;
      for await (const bytes of entry) {
        parts.push((bytes as Uint8Array).subarray(0, most - length));
        length += (bytes as Uint8Array).length;
        if (length >= most) break;
      }
      return { link: undefined, text: Buffer.concat(parts).toString() };
    }
    return undefined;
  } catch (error) {
    if (isRefusal(error, 404)) return undefined;
    throw error;
  }
};
