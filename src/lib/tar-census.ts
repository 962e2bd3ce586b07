import { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { drained } from './drained.ts';

/** The same bytes, and what is in them as they pass: how many entries are no directories, and how much they hold. */
export type Census = { readonly tar: Readable; files(): number; bytes(): number };

/**
 * Counts a tar while it is read. Its reader gets an error when the tar is damaged or cut off, and `over` when the files in it are larger
 * than the limit. Destroying the result destroys what it is made of.
 */
export const tarCensus = (tar: Readable, limit?: { readonly bytes: number; over(): Error }): Census => {
  let files = 0;
  let bytes = 0;
  const entries = extract();
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {});
  entries.on('error', ended.reject);
  entries.on('finish', () => ended.resolve());
  entries.on('entry', (header, content, next) => {
    if (header.type !== 'directory') {
      files++;
      bytes += header.size ?? 0;
    }
    content.on('end', next);
    content.on('error', () => {});
    content.resume();
  });
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of tar as AsyncIterable<Uint8Array>) {
      if (entries.destroying) break;
      if (!entries.write(chunk)) await drained(entries);
      if (limit !== undefined && bytes > limit.bytes) throw limit.over();
      yield chunk;
    }
    entries.end(null);
    await ended.promise;
    if (limit !== undefined && bytes > limit.bytes) throw limit.over();
  }
  const census = Readable.from(counted(), { objectMode: false });
  census.once('close', () => {
    tar.destroy();
    entries.destroy();
  });
  return { tar: census, files: () => files, bytes: () => bytes };
};

/** Reads only as far as the first file. */
export const hasFile = async (tar: Readable): Promise<boolean> => {
  const census = tarCensus(tar);
  for await (const _ of census.tar) if (census.files() > 0) return true;
  return census.files() > 0;
};
