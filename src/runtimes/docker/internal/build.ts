import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { authForBuild } from '../auth-for.ts';
import { filtered } from '../build-context.ts';
import { textOf } from '../container-file.ts';
import { ignoredBy } from '../dockerignore.ts';
import { encodedLogins } from '../engine/credentials.ts';
import { DockerConfigError } from '../engine/docker-config.ts';
import { EngineError } from '../engine/engine-error.ts';
import { isRefusal } from '../failures.ts';
import { label } from '../labels.ts';
import { boxOf } from './box-image.ts';
import { type Internal, type InternalContext, type Performed, say } from './context.ts';
import { sourceOf } from './directories.ts';
import { labelsOf } from './image-config.ts';
import type { Options } from './options.ts';
import { StepFailure } from './step-failure.ts';

type BuildMessage = { readonly stream?: string; readonly status?: string; readonly id?: string };

/** Builds the Dockerfile in a directory of the box. The image is the run's own, known to its later steps by `image-name`. */
export const build = async (_step: Internal, options: Options, context: InternalContext): Promise<Performed> => {
  const { parts, item, signal } = context;
  const { engine, names, namespace } = parts;
  const name = options.required('image-name');
  const directory = posix.resolve(sourceOf(context.env), options.text('context') ?? '.');
  const dockerfile = posix.normalize(options.text('dockerfile') ?? 'Dockerfile');
  if (posix.isAbsolute(dockerfile) || dockerfile.startsWith('..')) {
    throw new StepFailure(`the Dockerfile ${JSON.stringify(dockerfile)} is not below the context ${directory}`);
  }
  const ours = { [label.namespace]: namespace, [label.run]: item.run, [label.role]: 'build' };
  const query = {
    t: names.builtAs(item.run, name),
    dockerfile,
    buildargs: JSON.stringify(await buildArguments(options, context)),
    labels: JSON.stringify({ ...labelsOf(options), ...ours }),
    extrahosts: options.list('extra-hosts').map(hostOf),
    nocache: options.flag('no-cache'),
    q: options.flag('q'),
    networkmode: (await boxOf(context)).HostConfig.NetworkMode,
    rm: true,
    forcerm: true,
  };
  const headers = { 'x-registry-config': await loginsFor(options, context) };
  if (options.flag('squash')) await say(context, 'cion: "squash" is not done; the image keeps its layers');
  const body = await contextTar(context, directory, dockerfile);
  try {
    for await (const { stream, status, id } of engine.progress<BuildMessage>('POST', '/build', { query, headers, body, signal })) {
      if (stream !== undefined) await context.write('stdout', Buffer.from(stream));
      else if (status !== undefined && id === undefined) await say(context, status);
    }
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'refused') throw error;
    throw new StepFailure(`the image ${JSON.stringify(name)} cannot be built: ${error.message}`, { cause: error });
  }
  return { code: 0 };
};

/** One without a value has that of the variable of its name, as with `docker build`. */
const buildArguments = async (options: Options, context: InternalContext): Promise<Readonly<Record<string, string>>> => {
  const found: [string, string][] = [];
  for (const [name, given] of options.pairs('build-args')) {
    const value = given ?? (Object.hasOwn(context.env, name) ? context.env[name] : undefined);
    if (value === undefined) await say(context, `cion: the build argument ${name} has no value, and there is no variable of its name`);
    else found.push([name, value]);
  }
  return Object.fromEntries(found);
};

const hostOf = (text: string): string => {
  if (!/^[^:]+:.+$/.test(text)) throw new StepFailure(`the extra host ${JSON.stringify(text)} is not of the form name:address`);
  return text;
};

/** What the option says, over what Docker is logged in to. */
const loginsFor = async (options: Options, { item, parts: { env, logins }, signal }: InternalContext): Promise<string> => {
  const text = options.text('registry-auth-config');
  try {
    return text === undefined ? await authForBuild(item.run, logins, env, signal) : encodedLogins(loginsIn(text));
  } catch (error) {
    if (error instanceof DockerConfigError) throw new StepFailure(error.message, { cause: error });
    throw error;
  }
};

const loginsIn = (text: string): Readonly<Record<string, object>> => {
  const wrong = new StepFailure('the option "registry-auth-config" is no JSON object of registries, each with "username" and "password"');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw wrong;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw wrong;
  if (!Object.values(parsed).every((login) => typeof login === 'object' && login !== null)) throw wrong;
  return parsed as Readonly<Record<string, object>>;
};

const contextTar = async ({ parts, container, signal }: InternalContext, directory: string, dockerfile: string): Promise<Readable> => {
  const ignore = await textOf(parts.engine, container.id, posix.join(directory, '.dockerignore'), signal);
  try {
    const tar = await parts.engine.stream('GET', `/containers/${container.id}/archive`, { query: { path: `${directory}/.` }, signal });
    if (ignore === undefined) return tar;
    const isIgnored = ignoredBy(ignore);
    return filtered(tar, (each) => each === dockerfile || each === '.dockerignore' || !isIgnored(each));
  } catch (error) {
    if (isRefusal(error, 404)) throw new StepFailure(`there is no directory ${directory} in the box to build from`, { cause: error });
    throw error;
  }
};
