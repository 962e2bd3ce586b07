import { dockerHub, type ImageReference, parseImageReference } from '../../../plan/image-reference.ts';
import { authFor } from '../auth-for.ts';
import { encodedLogin, serverOf } from '../engine/credentials.ts';
import { DockerConfigError } from '../engine/docker-config.ts';
import type { InternalContext } from './context.ts';
import type { Options } from './options.ts';
import { StepFailure } from './step-failure.ts';

/** The image that an option names, at the registry that the options name. */
export const imageNamed = (options: Options, option: 'repository' | 'image'): ImageReference => {
  const text = options.required(option);
  const registry = registryOf(options);
  const parsed = parseImageReference(lowerName(text));
  if (!parsed.ok) throw new StepFailure(`the ${option} ${JSON.stringify(text)} ${parsed.message}`);
  const { image } = parsed;
  if (registry === undefined || image.registry !== dockerHub || /^(?:docker\.io|index\.docker\.io)\//.test(text)) return image;
  const moved = parseImageReference(`${registry}/${lowerName(text)}`);
  if (!moved.ok) throw new StepFailure(`the registry ${JSON.stringify(registry)} cannot be used: the name ${moved.message}`);
  return moved.image;
};

/** Repositories are in lower case; a tag is not. */
const lowerName = (text: string): string => {
  const [, name = text, rest = ''] = /^(.*?)([:@][^/]*)?$/s.exec(text) ?? [];
  return `${name.toLowerCase()}${rest}`;
};

const hubHosts = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com', 'hub.docker.com']);

/** Its host; `undefined`: what the image's own name says. An address as `https://host:5000/v2` is taken too. */
const registryOf = (options: Options): string | undefined => {
  const text = options.text('registry') ?? options.text('azure-login-server');
  const host = text?.replace(/^https?:\/\//i, '').replace(/\/.*$/s, '');
  if (host === undefined) return undefined;
  return hubHosts.has(host.toLowerCase()) ? undefined : host;
};

/** The value of X-Registry-Auth: what the options say, else what Docker's configuration has. `secrets`: what no message may have in it. */
export const loginFor = async (
  options: Options,
  image: ImageReference,
  { item, parts: { env, logins }, signal }: Pick<InternalContext, 'item' | 'parts' | 'signal'>,
): Promise<{ readonly auth: string; readonly secrets: readonly string[] }> => {
  if (options.text('aws-access-key') !== undefined || options.text('aws-registry-id') !== undefined) {
    throw new StepFailure(
      'keys of AWS are not turned into a login here: give "username: AWS" and as "password" what `aws ecr get-login-password` prints, or use a credential helper of Docker',
    );
  }
  const username = options.text('username') ?? options.text('azure-client-id');
  const given = options.text('password') ?? options.text('azure-client-secret');
  if (username !== undefined && given === undefined) throw new StepFailure('there is a "username" and no "password", or it is empty');
  if (username === undefined || given === undefined) {
    if (given !== undefined) throw new StepFailure('there is a "password" and no "username", or it is empty');
    try {
      return { auth: (await authFor(item.run, image, logins, env, signal)) ?? noLogin, secrets: [] };
    } catch (error) {
      if (error instanceof DockerConfigError) throw new StepFailure(error.message, { cause: error });
      throw error;
    }
  }
  const password = username === '_json_key' ? repaired(given) : given;
  return { auth: encodedLogin({ username, password, serveraddress: serverOf(image.registry) }), secrets: [password, given] };
};

/** `{}`, encoded: engines insist on the header. */
const noLogin = 'e30=';

/** A key of Google's in one line of YAML has `\n` between the lines of its JSON, where only white space may stand. */
const repaired = (key: string): string => {
  try {
    JSON.parse(key);
    return key;
  } catch {
    return key.replaceAll('\\n', '\n');
  }
};
