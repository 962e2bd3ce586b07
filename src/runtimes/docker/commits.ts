import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { parseImageReference } from '../../plan/image-reference.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { Item } from '../runtime.ts';
import type { ContainerRecord, Created, ImageRecord } from './api.ts';
import type { Engine } from './engine/engine.ts';
import { unlessGone } from './failures.ts';
import { fullName } from './images.ts';
import { label, type Labels } from './labels.ts';
import type { Names } from './names.ts';

/**
 * Images from containers. What the engine itself commits has our container's environment, command and labels in it; so another image is
 * loaded that has the same layers, which the engine has already, and the configuration of the image that the container was made of. The same
 * container gives the same image again. See docs/adr/0024-images-that-runs-make.md.
 */
export const makeCommits =
  (engine: Engine, names: Names, namespace: string) =>
  async (
    item: Item,
    container: string,
    given: readonly string[],
    signal: AbortSignal,
    /** After which it is; the container goes on. */
    step?: string,
  ): Promise<{ readonly reference: string; readonly digest: string }> => {
    const named = given.map(nameOf);
    const reference = named[0] ?? names.committed(item.run, item.stage.name, step);
    const record = await engine.json<ContainerRecord>('GET', `/containers/${container}/json`, { signal });
    const query = { container, pause: false };
    const { Id: raw } = await engine.json<Created>('POST', '/commit', { query, body: { Labels: record.Config.Labels ?? {} }, signal });
    try {
      const [committed, source] = await Promise.all(
        [raw, record.Image].map((image) => engine.json<ImageRecord>('GET', `/images/${image}/json`, { signal })),
      );
      if (committed === undefined || source === undefined) throw new RuntimeError('ENGINE_REFUSED', 'an image has no record');
      const ours: Labels = named.length > 0 ? {} : { [label.namespace]: namespace, [label.run]: item.run };
      const config = configOf(committed, source, step === undefined ? record.State.FinishedAt : record.State.StartedAt, ours);
      const layers = (committed.RootFS.Layers ?? []).map((_, index) => `${index}/layer.tar`);
      const body = loadable(config, named.length > 0 ? named : [reference], layers);
      for await (const _ of engine.progress('POST', '/images/load', { query: { quiet: true }, body, signal }));
    } finally {
      await unlessGone(engine.json('DELETE', `/images/${raw}`, { query: { force: true, noprune: true } }));
    }
    const { Id: digest } = await engine.json<ImageRecord>('GET', `/images/${reference}/json`, { signal });
    return { reference: given[0] ?? reference, digest };
  };

const nameOf = (name: string): string => {
  const parsed = parseImageReference(name);
  if (!parsed.ok) throw new RuntimeError('IMAGE_NOT_FOUND', `the image ${JSON.stringify(name)} ${parsed.message}`);
  if (parsed.image.digest !== undefined) throw new RuntimeError('IMAGE_NOT_FOUND', `the image ${name} cannot be named by a digest`);
  return fullName(parsed.image);
};

const configOf = (committed: ImageRecord, source: ImageRecord, created: string, ours: Labels): string => {
  const own = new Set<string>(Object.values(label));
  const theirs = Object.entries(source.Config.Labels ?? {}).filter(([name]) => !own.has(name));
  const { Architecture, Variant, Os, RootFS } = committed;
  const layers = RootFS.Layers ?? [];
  return JSON.stringify({
    architecture: Architecture,
    ...(Variant === undefined ? {} : { variant: Variant }),
    os: Os,
    created,
    config: { ...source.Config, Labels: { ...Object.fromEntries(theirs), ...ours } },
    rootfs: { type: 'layers', diff_ids: layers },
    history: layers.map(() => ({ created, created_by: 'cion' })),
  });
};

const loadable = (config: string, names: readonly string[], layers: readonly string[]): Readable => {
  const tar = pack();
  tar.entry({ name: 'config.json' }, config);
  tar.entry({ name: 'manifest.json' }, JSON.stringify([{ Config: 'config.json', RepoTags: names, Layers: layers }]));
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
};
