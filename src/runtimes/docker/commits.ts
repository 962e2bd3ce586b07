import { type ImageReference, parseImageReference } from '../../plan/image-reference.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { RegistryLogins } from '../registry-logins.ts';
import type { Item } from '../runtime.ts';
import type { ContainerRecord, Created, ImageRecord } from './api.ts';
import type { Engine } from './engine/engine.ts';
import { unlessGone } from './failures.ts';
import { fullName } from './images.ts';
import { label, type Labels } from './labels.ts';
import type { Names } from './names.ts';
import type { makePushes } from './pushes.ts';
import { loadSameLayers, withoutOurs } from './same-layers.ts';

/**
 * Images from containers. What the engine itself commits has our container's environment, command and labels in it; so another image is
 * loaded that has the same layers, which the engine has already, and the configuration of the image that the container was made of. The same
 * container gives the same image again. See docs/adr/0024-images-that-runs-make.md.
 */
export const makeCommits =
  (engine: Engine, names: Names, namespace: string, logins: RegistryLogins, pushImage: Pushes) =>
  async (
    item: Item,
    container: string,
    given: readonly string[],
    signal: AbortSignal,
    /** After which it is; the container goes on. Such an image outlives the run: it is there to be looked at. */
    step?: string,
    push?: (line: string) => void,
  ): Promise<{ readonly reference: string; readonly digest: string }> => {
    const images = given.map(imageOf);
    const named = images.map(fullName);
    /** It goes with the run: without a name, or with those that it got on a server whose registry has it. */
    const isOwn = images.every((image) => logins.owns(item.run, image));
    const reference = named[0] ?? names.committed(item.run, item.stage.name, step);
    const record = await engine.json<ContainerRecord>('GET', `/containers/${container}/json`, { signal });
    const query = { container, pause: false };
    const { Id: raw } = await engine.json<Created>('POST', '/commit', { query, body: { Labels: record.Config.Labels ?? {} }, signal });
    try {
      const [committed, source] = await Promise.all(
        [raw, record.Image].map((image) => engine.json<ImageRecord>('GET', `/images/${image}/json`, { signal })),
      );
      if (committed === undefined || source === undefined) throw new RuntimeError('ENGINE_REFUSED', 'an image has no record');
      const ours: Labels = !isOwn ? {} : { [label.namespace]: namespace, ...(step === undefined ? { [label.run]: item.run } : {}) };
      const config = { ...source.Config, Labels: { ...withoutOurs(source.Config.Labels), ...ours } };
      await loadSameLayers(
        engine,
        committed,
        {
          config,
          created: step === undefined ? record.State.FinishedAt : record.State.StartedAt,
          names: named.length > 0 ? named : [reference],
        },
        signal,
      );
    } finally {
      await unlessGone(engine.json('DELETE', `/images/${raw}`, { query: { force: true, noprune: true } }));
    }
    const { Id: digest } = await engine.json<ImageRecord>('GET', `/images/${reference}/json`, { signal });
    if (push !== undefined) {
      try {
        for (const image of images) await pushImage(item.run, image, push, signal);
      } finally {
        // One name is enough here; the engine lets an image with more of them not go with its run.
        if (isOwn) for (const name of named.slice(1)) await unlessGone(engine.json('DELETE', `/images/${name}`));
      }
    }
    return { reference: given[0] ?? reference, digest };
  };

type Pushes = ReturnType<typeof makePushes>;

const imageOf = (name: string): ImageReference => {
  const parsed = parseImageReference(name);
  if (!parsed.ok) throw new RuntimeError('IMAGE_NOT_FOUND', `the image ${JSON.stringify(name)} ${parsed.message}`);
  if (parsed.image.digest !== undefined) throw new RuntimeError('IMAGE_NOT_FOUND', `the image ${name} cannot be named by a digest`);
  return parsed.image;
};
