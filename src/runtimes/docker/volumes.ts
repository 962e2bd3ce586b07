import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { abortable } from '../../lib/abortable.ts';
import type { Values, VolumeRef } from '../runtime.ts';
import type { Engine } from './engine/engine.ts';
import { isRefusal } from './failures.ts';
import { type Labels, label } from './labels.ts';
import type { Names } from './names.ts';
import type { PauseImage } from './pause-image.ts';

/** File trees go in and out through a container of our own image that mounts the volume and is never started. */
export const makeVolumes = (engine: Engine, names: Names, image: PauseImage, namespace: string) => {
  const helpers = new Map<string, Map<string, Promise<string>>>();
  const labelsOf = (run: string): Labels => ({ [label.namespace]: namespace, [label.run]: run });

  const ensure = async (name: string, labels: Labels): Promise<string> => {
    await engine.json('POST', '/volumes/create', { body: { Name: name, Labels: labels } });
    return name;
  };

  const makeHelper = async ({ run, volume }: VolumeRef): Promise<string> => {
    const name = names.files(run, volume);
    const [reference, source] = await Promise.all([image.ensure(), ensure(names.volume(run, volume), labelsOf(run))]);
    const body = {
      Image: reference,
      Labels: { ...labelsOf(run), [label.role]: 'files' },
      HostConfig: {
        NetworkMode: 'none',
        LogConfig: { Type: 'none' },
        Mounts: [{ Type: 'volume', Source: source, Target: root, VolumeOptions: { NoCopy: true } }],
      },
    };
    try {
      await engine.json('POST', '/containers/create', { query: { name }, body });
    } catch (error) {
      if (!isRefusal(error, 409)) throw error;
    }
    return name;
  };

  const helper = (ref: VolumeRef): Promise<string> => {
    const ofRun = helpers.get(ref.run) ?? new Map<string, Promise<string>>();
    helpers.set(ref.run, ofRun);
    const known = ofRun.get(ref.volume);
    if (known !== undefined) return known;
    const made = makeHelper(ref);
    ofRun.set(ref.volume, made);
    made.catch(() => ofRun.delete(ref.volume));
    return made;
  };

  const read = async (ref: VolumeRef, signal: AbortSignal): Promise<Readable> =>
    engine.stream('GET', `/containers/${await abortable(helper(ref), signal)}/archive`, { query: { path: `${root}/.` }, signal });

  return {
    ensure,
    labelsOf,
    write: async (ref: VolumeRef, tar: Readable, signal: AbortSignal): Promise<void> => {
      const name = await abortable(helper(ref), signal);
      const { first, whole } = await peeked(tar, blockBytes);
      const itself = rootEntry(first);
      if (itself !== undefined) await engine.json('PUT', `/containers/${name}/archive`, { query: { path: '/' }, body: itself, signal });
      await engine.json('PUT', `/containers/${name}/archive`, { query: { path: root }, body: whole, signal });
    },
    read,
    /** Into a container that mounts an empty volume there. */
    copy: async (ref: VolumeRef, container: string, path: string, signal: AbortSignal): Promise<void> => {
      const tar = await read(ref, signal);
      await engine.json('PUT', `/containers/${container}/archive`, { query: { path }, body: tar, signal });
    },
    putFiles: async (container: string, workdir: string, files: Values['files'], signal: AbortSignal): Promise<void> => {
      const tar = pack();
      for (const { path, content } of files) {
        tar.entry({ name: posix.resolve(workdir, path).slice(1), mode: 0o444, mtime: new Date() }, Buffer.from(content));
      }
      tar.finalize();
      const body = Readable.from(tar, { objectMode: false });
      await engine.json('PUT', `/containers/${container}/archive`, { query: { path: '/' }, body, signal });
    },
    runs: (): readonly string[] => [...helpers.keys()],
    /** Resolves when nothing for the run is being made any more. */
    forget: async (run: string): Promise<void> => {
      const made = [...(helpers.get(run)?.values() ?? [])];
      helpers.delete(run);
      await Promise.allSettled(made);
    },
  };
};

/** Engines pass over the entry of the root itself; where it comes first, it decides the mode and the owner of the volume. */
const rootEntry = (block: Buffer): Readable | undefined => {
  const text = (from: number, to: number): string => block.toString('latin1', from, to).replace(/\0.*$/s, '');
  if (block.length < blockBytes || !['.', './'].includes(text(0, 100)) || text(156, 157) !== '5') return undefined;
  const number = (from: number, to: number): number => Number.parseInt(text(from, to).trim(), 8) || 0;
  const tar = pack();
  tar.entry({ name: `${root.slice(1)}/`, type: 'directory', mode: number(100, 108), uid: number(108, 116), gid: number(116, 124) });
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
};

const blockBytes = 512;

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

const root = '/volume';
