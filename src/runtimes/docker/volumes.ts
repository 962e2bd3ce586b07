import type { Readable } from 'node:stream';
import { abortable } from '../../lib/abortable.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { VolumeRef } from '../runtime.ts';
import type { Engine } from './engine/engine.ts';
import { type Labels, label } from './labels.ts';
import type { Names } from './names.ts';
import type { Trees } from './trees.ts';

/** The volumes of runs, each with its helper. */
export const makeVolumes = (engine: Engine, names: Names, trees: Trees, namespace: string) => {
  const helpers = new Map<string, Map<string, Promise<string>>>();
  const labelsOf = (run: string): Labels => ({ [label.namespace]: namespace, [label.run]: run });

  const ensure = ({ run, volume }: VolumeRef): Promise<string> => trees.ensure(names.volume(run, volume), labelsOf(run));

  const helper = (ref: VolumeRef): Promise<string> => {
    const ofRun = helpers.get(ref.run) ?? new Map<string, Promise<string>>();
    helpers.set(ref.run, ofRun);
    const known = ofRun.get(ref.volume);
    if (known !== undefined) return known;
    const made = ensure(ref).then((volume) => trees.helper(volume, labelsOf(ref.run)));
    ofRun.set(ref.volume, made);
    made.catch(() => ofRun.delete(ref.volume));
    return made;
  };

  const read = async (ref: VolumeRef & { readonly directory?: string }, signal: AbortSignal): Promise<Readable | undefined> => {
    const name = await abortable(helper(ref), signal);
    const directory = await trees.realDirectory(name, ref.directory ?? '', signal);
    return directory === undefined ? undefined : trees.read(name, directory, signal);
  };

  return {
    ensure,
    helper,
    write: async (ref: VolumeRef, tar: Readable, signal: AbortSignal): Promise<void> =>
      trees.write(await abortable(helper(ref), signal), tar, signal),
    read,
    /** Of what is to be mounted. */
    open: async (ref: VolumeRef & { readonly directory?: string }, signal: AbortSignal): Promise<Readable> => {
      const tar = await read(ref, signal);
      if (tar === undefined) throw missing(ref.volume, ref.directory ?? '');
      return tar;
    },
    /** One directory of the volume as a volume: the engine has no other way to mount but a part of one. */
    directory: async (ref: VolumeRef, directory: string, signal: AbortSignal): Promise<string> => {
      const found = await trees.realDirectory(await helper(ref), directory, signal);
      if (found === undefined) throw missing(ref.volume, directory);
      const whole = names.volume(ref.run, ref.volume);
      if (found === '') return whole;
      const { Mountpoint } = await engine.json<{ readonly Mountpoint: string }>('GET', `/volumes/${whole}`, { signal });
      const name = names.directory(whole, found);
      const options = { type: 'none', o: 'bind', device: `${Mountpoint}/${found}` };
      await engine.json('POST', '/volumes/create', {
        body: { Name: name, Labels: labelsOf(ref.run), Driver: 'local', DriverOpts: options },
        signal,
      });
      return name;
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

export type Volumes = ReturnType<typeof makeVolumes>;

const missing = (volume: string, directory: string): RuntimeError =>
  new RuntimeError(
    'VOLUME_DIRECTORY_MISSING',
    `the volume "${volume}" has no directory ${JSON.stringify(directory)}; links are not followed`,
  );
