import type { ImageReference } from '../../plan/image-reference.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { RegistryLogins } from '../registry-logins.ts';
import { authFor } from './auth-for.ts';
import { DockerConfigError, type Environment } from './engine/docker-config.ts';
import type { Engine } from './engine/engine.ts';
import { asRuntimeError } from './failures.ts';
import { fullName } from './images.ts';

/** Sends a named image to its registry, with the run's or this machine's login for it; tells how that goes, a line for what has ended. */
export const makePushes =
  (engine: Engine, env: Environment, logins: RegistryLogins) =>
  async (run: string, image: ImageReference, tell: (line: string) => void, signal: AbortSignal): Promise<void> => {
    const name = fullName(image);
    tell(`Pushing image ${name}`);
    try {
      const auth = (await authFor(run, image, logins, env, signal)) ?? anonymous;
      const path = `/images/${image.registry}/${image.repository}/push`;
      const headers = { 'x-registry-auth': auth };
      for await (const message of engine.progress<PushMessage>('POST', path, { query: { tag: image.tag }, headers, signal })) {
        const { id, status } = message;
        if (status === undefined || message.progressDetail?.current !== undefined || /^(Preparing|Waiting|Pushing)$/.test(status)) continue;
        tell(id === undefined ? status : `${id}: ${status}`);
      }
    } catch (error) {
      signal.throwIfAborted();
      const doing = `the image ${name} cannot be pushed`;
      if (error instanceof DockerConfigError) throw new RuntimeError('IMAGE_PUSH_FAILED', `${doing}: ${error.message}`, { cause: error });
      throw asRuntimeError(error, doing, 'IMAGE_PUSH_FAILED');
    }
    tell(`Pushed ${name}`);
  };

/** Engines insist on a login, even on one of nobody: `{}`. */
const anonymous = 'e30=';

type PushMessage = {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number };
};
