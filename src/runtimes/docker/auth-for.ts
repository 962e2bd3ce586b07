import type { ImageReference } from '../../plan/image-reference.ts';
import type { RegistryLogins } from '../registry-logins.ts';
import { encodedLogin, encodedLogins, registryAuth, registryConfig } from './engine/credentials.ts';
import type { Environment } from './engine/docker-config.ts';

/** The value of X-Registry-Auth for what a run does with an image: the run's own login where it has one there, else this machine's, unless they are withheld. A secret. */
export const authFor = async (
  run: string,
  image: ImageReference,
  logins: RegistryLogins,
  env: Environment,
  signal: AbortSignal,
): Promise<string | undefined> => {
  if (!logins.isGuarded(image)) return logins.mayUseMachine(run) ? registryAuth(image, env, { signal }) : undefined;
  const login = logins.of(run);
  return login === undefined ? undefined : encodedLogin({ ...login, serveraddress: image.registry });
};

/** The value of X-Registry-Config for a build of a run. A secret. */
export const authForBuild = async (run: string, logins: RegistryLogins, env: Environment, signal: AbortSignal): Promise<string> =>
  logins.mayUseMachine(run) ? registryConfig(env, { signal }) : encodedLogins({});
