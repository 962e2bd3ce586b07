import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import type { Clock } from '../../lib/clock.ts';
import type { ContainerRecord, Created } from './api.ts';
import type { Engine } from './engine/engine.ts';
import { isRefusal, unlessGone } from './failures.ts';
import { type Labels, label } from './labels.ts';
import type { Names } from './names.ts';
import { freshVolumeMode, freshVolumeTime, type PauseImage, volumeRoot } from './pause-image.ts';
import { realDirectory, statOf } from './real-directory.ts';

/**
 * File trees go in and out of a volume through its helper: a container of our own image that mounts the volume and is never started. Whoever
 * makes the helper of a fresh volume makes it one that any user may write to.
 */
export const makeTrees = (engine: Engine, names: Names, image: PauseImage, clock: Pick<Clock, 'after'>) => {
  /** Many stages write no file; a look is ten times cheaper than the engine's archive of nothing. */
  const isUntouched = async (helper: string, signal: AbortSignal): Promise<boolean> => {
    const stat = await statOf(engine, helper, volumeRoot, signal);
    return stat !== undefined && Date.parse(stat.mtime) === freshVolumeTime.getTime() && (stat.mode & 0o777) === freshVolumeMode;
  };

  const put = (helper: string, path: string, body: Readable, signal: AbortSignal): Promise<void> =>
    engine.json('PUT', `/containers/${helper}/archive`, { query: { path }, body, signal });

  return {
    ensure: async (volume: string, labels: Labels): Promise<string> => {
      await engine.json('POST', '/volumes/create', { body: { Name: volume, Labels: labels } });
      return volume;
    },

    /** Of a volume that is there; one that was swept meanwhile the engine makes anew, and the labels are for the next sweep. The image may have been removed by somebody who found it unused: once more, then. */
    helper: async (volume: string, labels: Labels): Promise<string> => {
      const name = names.helper(volume);
      const bodyWith = (reference: string) => ({
        Image: reference,
        Labels: { ...labels, [label.role]: 'files' },
        HostConfig: {
          NetworkMode: 'none',
          LogConfig: { Type: 'none' },
          Mounts: [{ Type: 'volume', Source: volume, Target: volumeRoot, VolumeOptions: { Labels: labels } }],
        },
      });
      const create = async (): Promise<unknown> =>
        engine.json<Created>('POST', '/containers/create', { query: { name }, body: bodyWith(await image.ensure()) });
      for (let looks = 1; ; looks++) {
        try {
          await create().catch((error: unknown) => {
            if (!isRefusal(error, 404)) throw error;
            image.forget();
            return create();
          });
          return name;
        } catch (error) {
          if (!isRefusal(error, 409)) throw error;
          if (await unlessGone(engine.json<ContainerRecord>('GET', `/containers/${name}/json`))) return name;
          if (looks === mostLooks) throw error;
        }
        await new Promise<void>((resolve) => clock.after(betweenLooksMs, resolve));
      }
    },

    write: async (helper: string, tar: Readable, signal: AbortSignal): Promise<void> => {
      const { first, whole } = await peeked(tar, blockBytes);
      const itself = rootEntry(first);
      const isAsMade = itself?.mode === freshVolumeMode && itself.uid === 0 && itself.gid === 0 && (await isUntouched(helper, signal));
      if (itself !== undefined && !isAsMade) await put(helper, '/', tarOfRoot(itself), signal);
      await put(helper, volumeRoot, whole, signal);
    },

    /** With a tar of the helper's file system: what it has for the volume begins with the path of that. */
    fill: (helper: string, tar: Readable, signal: AbortSignal): Promise<void> => put(helper, '/', tar, signal),

    /** Of the volume, or of a directory in it. */
    read: async (helper: string, directory: string, signal: AbortSignal): Promise<Readable> =>
      directory === '' && (await isUntouched(helper, signal))
        ? emptyTar()
        : engine.stream('GET', `/containers/${helper}/archive`, { query: { path: `${volumeRoot}/${directory}/.` }, signal }),

    /** The directory in its plain form (`''`: the volume itself); `undefined` unless it and all above it are real directories. */
    realDirectory: (helper: string, directory: string, signal: AbortSignal): Promise<string | undefined> =>
      realDirectory(engine, helper, volumeRoot, directory, signal),
  };
};

export type Trees = ReturnType<typeof makeTrees>;

const emptyTar = (): Readable => {
  const tar = pack();
  tar.entry({ name: './', type: 'directory', mode: freshVolumeMode, mtime: freshVolumeTime });
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
};

/** Engines pass over the entry of the root itself; where it comes first, it decides the mode and the owner of the volume. */
const rootEntry = (block: Buffer): Root | undefined => {
  const text = (from: number, to: number): string => block.toString('latin1', from, to).replace(/\0.*$/s, '');
  if (block.length < blockBytes || !['.', './'].includes(text(0, 100)) || text(156, 157) !== '5') return undefined;
  const number = (from: number, to: number): number => Number.parseInt(text(from, to).trim(), 8) || 0;
  return { mode: number(100, 108), uid: number(108, 116), gid: number(116, 124) };
};

type Root = { readonly mode: number; readonly uid: number; readonly gid: number };

const tarOfRoot = (root: Root): Readable => {
  const tar = pack();
  tar.entry({ name: `${volumeRoot.slice(1)}/`, type: 'directory', ...root });
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
};

const blockBytes = 512;

/** An engine gives away a name before there is a container: who is killed just then leaves a name that leads nowhere for a moment. */
const mostLooks = 200;
const betweenLooksMs = 50;

const peeked = async (source: Readable, bytes: number): Promise<{ readonly first: Buffer; readonly whole: Readable }> => {
  const chunks: Buffer[] = [];
  const iterator: AsyncIterator<Buffer, unknown> = source[Symbol.asyncIterator]();
  for (let has = 0; has < bytes; ) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    chunks.push(value);
    has += value.length;
  }
  async function* whole(): AsyncGenerator<Buffer> {
    yield* chunks;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { first: Buffer.concat(chunks).subarray(0, bytes), whole: Readable.from(whole(), { objectMode: false }) };
};
