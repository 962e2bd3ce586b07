import type { ImageReference } from '../../../plan/image-reference.ts';
import type { ImageRecord } from '../api.ts';
import { EngineError } from '../engine/engine-error.ts';
import { unlessGone } from '../failures.ts';
import { type ImageConfig, loadSameLayers } from '../same-layers.ts';
import { type InternalContext, say } from './context.ts';
import type { Options } from './options.ts';
import { imageNamed, loginFor } from './registry.ts';
import { StepFailure } from './step-failure.ts';

/** Where an image goes, and with what: all that can be wrong with it is found before anything is made. */
export type Destination = {
  readonly repository: string;
  readonly tags: readonly string[];
  readonly auth: string;
  readonly secrets: readonly string[];
};

export const destinationOf = async (options: Options, context: InternalContext): Promise<Destination> => {
  const image = imageNamed(options, 'repository');
  if (image.digest !== undefined) throw new StepFailure('the repository has a digest: what is pushed gets its own');
  const tags = tagsOf(options, image);
  return { repository: `${image.registry}/${image.repository}`, tags, ...(await loginFor(options, image, context)) };
};

const tagsOf = (options: Options, image: ImageReference): readonly string[] => {
  const tags = [...new Set(options.list('tag'))];
  const wrong = tags.find((tag) => !/^\w[\w.-]{0,127}$/.test(tag));
  if (wrong !== undefined) throw new StepFailure(`invalid tag ${JSON.stringify(wrong)}: a tag is up to 128 letters, digits, _ . and -`);
  return tags.length > 0 ? tags : [image.tag ?? 'latest'];
};

/** Names an image with these layers and this configuration, and pushes it. A name that the engine did not have before, it does not have after. */
export const publish = async (
  context: InternalContext,
  layered: ImageRecord,
  config: ImageConfig,
  options: Options,
  { repository, tags, auth, secrets }: Destination,
): Promise<void> => {
  const { engine, clock } = context.parts;
  const { signal } = context;
  const idOf = async (name: string): Promise<string | undefined> =>
    (await unlessGone(engine.json<ImageRecord>('GET', `/images/${name}/json`)))?.Id;
  const names = tags.map((tag) => `${repository}:${tag}`);
  const before = await Promise.all(names.map(idOf));
  const [author, comment] = [options.text('author'), options.text('message')];
  const created = new Date(clock.now()).toISOString();
  const wanted = { config, created, names, ...(author === undefined ? {} : { author }), ...(comment === undefined ? {} : { comment }) };
  await loadSameLayers(engine, layered, wanted, signal);
  const ours = await idOf(names[0] ?? '');
  try {
    for (const tag of tags) await pushOne(context, repository, tag, auth, secrets);
  } finally {
    for (const [index, name] of names.entries()) {
      if (before[index] === undefined && (await idOf(name)) === ours) await unlessGone(engine.json('DELETE', `/images/${name}`));
    }
  }
};

const pushOne = async (
  context: InternalContext,
  repository: string,
  tag: string,
  auth: string,
  secrets: readonly string[],
): Promise<void> => {
  const { engine } = context.parts;
  const shown = `${repository}:${tag}`;
  await say(context, `Pushing ${shown}`);
  const said = new Map<string, string>();
  try {
    const calls = { query: { tag }, headers: { 'x-registry-auth': auth }, signal: context.signal };
    for await (const { id, status } of engine.progress<PushMessage>('POST', `/images/${repository}/push`, calls)) {
      if (status === undefined || said.get(id ?? '') === status) continue;
      said.set(id ?? '', status);
      await say(context, id === undefined ? status : `${id}: ${status}`);
    }
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'refused') throw error;
    throw new StepFailure(`${shown} cannot be pushed: ${withoutSecrets(error.message, secrets)}${adviceFor(error.message)}`, {
      cause: error,
    });
  }
  await say(context, `Pushed ${shown}`);
};

type PushMessage = { readonly id?: string; readonly status?: string };

const withoutSecrets = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);

const adviceFor = (message: string): string =>
  /unauthorized|authentication required|no basic auth|denied/i.test(message)
    ? ' (give "username" and "password", or log Docker in to this registry)'
    : '';
