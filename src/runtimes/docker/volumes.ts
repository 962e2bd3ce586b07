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
      await engine.json('PUT', `/containers/${name}/archive`, { query: { path: root }, body: tar, signal });
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
    /** Resolves when nothing for the run is being made any more. */
    forget: async (run: string): Promise<void> => {
      const made = [...(helpers.get(run)?.values() ?? [])];
      helpers.delete(run);
      await Promise.allSettled(made);
    },
  };
};

export type Volumes = ReturnType<typeof makeVolumes>;

const root = '/volume';
