import { familiarName, parseImageReference } from '../../plan/image-reference.ts';
import type { FoundImage, ImageFinder } from '../image-finder.ts';
import type { ImageRecord } from './api.ts';
import { registryAuth } from './engine/credentials.ts';
import { DockerConfigError, type Environment } from './engine/docker-config.ts';
import type { Engine } from './engine/engine.ts';
import { EngineError } from './engine/engine-error.ts';
import { asRuntimeError, unlessGone } from './failures.ts';
import { fullName, pullFailure } from './images.ts';

type Options = { readonly engine: Engine; readonly env?: Environment; readonly patienceMs?: number };

/** Of a Docker Engine: what it has, else what it hears of the registry. */
export const dockerImageFinder =
  ({ engine, env = process.env, patienceMs = 15_000 }: Options): ImageFinder =>
  async (reference, signal) => {
    const parsed = parseImageReference(reference);
    if (!parsed.ok) return { kind: 'missing' };
    const { image } = parsed;
    const path = fullName(image);
    try {
      const here = await unlessGone(engine.json<ImageRecord>('GET', `/images/${path}/json`, { signal }));
      if (here !== undefined) {
        const names = [`${image.registry}/${image.repository}`, familiarName(image)];
        const fromRegistry = (here.RepoDigests ?? []).some((digest) => names.includes(digest.slice(0, digest.indexOf('@'))));
        return { kind: 'here', fromRegistry };
      }
    } catch (error) {
      signal.throwIfAborted();
      throw asRuntimeError(error, `the image ${reference} cannot be looked up`);
    }
    const patience = AbortSignal.timeout(patienceMs);
    const asking = AbortSignal.any([signal, patience]);
    try {
      const auth = await registryAuth(image, env, { signal: asking });
      await engine.json('GET', `/distribution/${path}/json`, { signal: asking, ...(auth && { headers: { 'x-registry-auth': auth } }) });
      return { kind: 'registry' };
    } catch (error) {
      signal.throwIfAborted();
      if (patience.aborted) return { kind: 'unknown', why: `the registry ${image.registry} does not answer` };
      if (error instanceof DockerConfigError) return { kind: 'unknown', why: error.message };
      if (error instanceof EngineError && error.code === 'refused') return foundBy(error);
      throw asRuntimeError(error, `the image ${reference} cannot be looked up`);
    }
  };

const foundBy = (error: EngineError): FoundImage => {
  if (/page not found|not implemented|unsupported/i.test(error.message)) return { kind: 'unknown', why: error.message };
  switch (pullFailure(error)) {
    case 'IMAGE_NOT_FOUND':
      return { kind: 'missing' };
    case 'IMAGE_DENIED':
      return { kind: 'denied' };
    default:
      return { kind: 'unknown', why: error.message };
  }
};
