import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { logName, logOwner, objectPath, pastName } from '../object-names.ts';
import type { LogKey, StoredChunk } from '../results.ts';
import type { S3Objects } from './s3-objects.ts';

/**
 * S3 has no appending. While an attempt is under way, each append to its log is an object of its own, below `logs/<run>/<stage>.log/<attempt>/`,
 * and the objects' names say all but the bytes: `<offset>-<stream>-<at>`. When the attempt has ended they become the one object
 * `run/<run>/<stage>.log`, and `index` beside them says which of its bytes are whose. So below `run/` is what the layout names, and nothing else.
 */
export type LogParts = {
  /** What is there, in order and without gaps. */
  find(): Promise<readonly LogPart[]>;
  append(offset: number, chunk: StoredChunk): Promise<void>;
  /** The bytes from `from` on. Ends early when parts vanish, because the log was composed meanwhile: then `find` again. */
  read(parts: readonly LogPart[], from: number): AsyncGenerator<StoredChunk>;
  /** Makes one object of the parts, under its plain name or as that of a past attempt; none of a `done` that never began. May be done again. */
  compose(as: 'newest' | 'past'): Promise<void>;
  remove(): Promise<void>;
};

/** `path` absent: in the composed log. */
type LogPart = { readonly offset: number; readonly bytes: number; readonly stream: Stream; readonly at: number; readonly path?: string };
type Stream = StoredChunk['stream'];

const removedAtOnce = 16;
const readAhead = 8;

/** Where the log of an attempt is when that has ended, and its pieces. `past`: from when the next attempt has begun. */
export const logPaths = (key: LogKey) => {
  const owner = logOwner(key);
  const folder = `${logsOf(key.run)}${logName(owner)}/${key.attempt}/`;
  return {
    newest: objectPath(key.run, logName(owner)),
    past: objectPath(key.run, logName(pastName(owner, key.attempt))),
    folder,
    index: `${folder}index`,
  };
};

export const logParts = (objects: S3Objects, key: LogKey): LogParts => {
  const { newest, past, folder, index } = logPaths(key);

  const composed = async (): Promise<readonly LogPart[]> => {
    const text = await objects.get(index);
    return text === undefined ? [] : (JSON.parse((await buffer(text)).toString()) as readonly LogPart[]);
  };

  const find = async (): Promise<readonly LogPart[]> => {
    const listed = await objects.list(folder);
    const inOne = await composed();
    const end = endOf(inOne);
    return [...inOne, ...listed.flatMap(({ path, bytes }) => partOf(path, bytes)).filter(({ offset }) => offset >= end)];
  };

  const fetched = ({ path = '' }: LogPart): Promise<Buffer | undefined> => {
    const bytes = objects.get(path).then((part) => part && buffer(part));
    bytes.catch(() => {});
    return bytes;
  };

  const read = async function* (parts: readonly LogPart[], from: number): AsyncGenerator<StoredChunk> {
    const inOne = parts.filter((part) => part.path === undefined && endOf([part]) > from);
    const first = inOne[0];
    let done = from;
    if (first !== undefined) {
      const log = (await objects.get(past, from)) ?? (await objects.get(newest, from));
      if (log === undefined) return;
      for await (const chunk of sliced(log, inOne, from)) {
        done += chunk.bytes.length;
        yield chunk;
      }
      if (done < endOf(inOne)) return;
    }
    const single = parts.filter(({ path, offset, bytes }) => path !== undefined && offset + bytes > done);
    const coming = single.slice(0, readAhead).map(fetched);
    for (const [i, { offset, stream, at }] of single.entries()) {
      const whole = await coming.shift();
      const next = single[i + readAhead];
      if (next !== undefined) coming.push(fetched(next));
      if (whole === undefined) return;
      const bytes = whole.subarray(Math.max(0, done - offset));
      done += bytes.length;
      yield { stream, at, bytes };
    }
  };

  const removeParts = async (): Promise<void> => {
    const listed = await objects.list(folder);
    const left = listed.map(({ path }) => path).filter((path) => path !== index);
    const lanes = Array.from({ length: removedAtOnce }, async () => {
      for (let path = left.pop(); path !== undefined; path = left.pop()) await objects.remove(path);
    });
    await Promise.all(lanes);
  };

  return {
    find,
    read,

    append: async (offset, { stream, at, bytes }) => {
      await objects.put(`${folder}${String(offset).padStart(offsetDigits, '0')}-${stream}-${at}`, bytes);
    },

    compose: async (as) => {
      const goal = as === 'newest' ? newest : past;
      const parts = await find();
      if (parts.length === 0 && key.part !== undefined) return;
      const isMoved = as === 'past' && (await objects.metadata(newest)) === undefined;
      const isComposed = parts.length > 0 && parts.every(({ path }) => path === undefined);
      if (!isComposed || (as === 'past' && !isMoved)) {
        const bytes = async function* () {
          for await (const chunk of read(parts, 0)) yield chunk.bytes;
        };
        await objects.put(goal, parts.length === 0 ? Buffer.alloc(0) : Readable.from(bytes(), { objectMode: false }));
        await objects.put(index, Buffer.from(JSON.stringify(parts.map(({ path: _path, ...part }) => part))));
      }
      await removeParts();
      if (as === 'past') await objects.remove(newest);
    },

    remove: async () => {
      await removeParts();
      await objects.remove(index);
      await objects.remove(newest);
    },
  };
};

/** Where the pieces of a run's logs are. */
export const logsOf = (run: string): string => `logs/${run}/`;

const offsetDigits = 16;

const endOf = (parts: readonly LogPart[]): number => parts.reduce((end, { offset, bytes }) => Math.max(end, offset + bytes), 0);

const partOf = (path: string, bytes: number): readonly LogPart[] => {
  const match = /\/(\d{16})-(stdout|stderr)-(\d+)$/.exec(path);
  return match === null ? [] : [{ path, bytes, offset: Number(match[1]), stream: match[2] as Stream, at: Number(match[3]) }];
};

/** Cuts what is read from a composed log, from byte `from` on, into the chunks of its index. */
const sliced = async function* (log: AsyncIterable<Uint8Array>, parts: readonly LogPart[], from: number): AsyncGenerator<StoredChunk> {
  let done = from;
  let i = 0;
  for await (const piece of log) {
    for (let rest = piece; rest.length > 0; i++) {
      const part = parts[i];
      if (part === undefined) return;
      const bytes = rest.subarray(0, part.offset + part.bytes - done);
      done += bytes.length;
      rest = rest.subarray(bytes.length);
      yield { stream: part.stream, at: part.at, bytes };
      if (done < part.offset + part.bytes) break;
    }
  }
};
