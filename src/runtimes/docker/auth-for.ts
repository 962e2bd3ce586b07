import type { ImageReference } from '../../plan/image-reference.ts';
import type { RegistryLogins } from '../registry-logins.ts';
import { encodedLogin, registryAuth } from './engine/credentials.ts';
import type { Environment } from './engine/docker-config.ts';

/** The value of X-Registry-Auth for what a run does with an image: the run's own login where it has one there, else this machine's. A secret. */
export const authFor = async (
  run: string,
  image: ImageReference,
  logins: RegistryLogins,
  env: Environment,
  signal: AbortSignal,
): Promise<string | undefined> => {
  if (!logins.isGuarded(image)) return registryAuth(image, env, { signal });
  const login = logins.of(run);
  return login === undefined ? undefined : encodedLogin({ ...login, serveraddress: image.registry });
};
