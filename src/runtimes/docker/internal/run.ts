import type { Service } from '../../../plan/plan.ts';
import { RuntimeError } from '../../runtime-error.ts';
import type { ContainerRecord, Created } from '../api.ts';
import { type ContainerSpec, createBody } from '../containers.ts';
import { demux } from '../engine/demux.ts';
import { EngineError } from '../engine/engine-error.ts';
import { isRefusal, unlessGone } from '../failures.ts';
import { fullName, type Image } from '../images.ts';
import { label } from '../labels.ts';
import { boxOf, imageRecord } from './box-image.ts';
import { type Internal, type InternalContext, type Performed, say } from './context.ts';
import { envPairs } from './image-config.ts';
import type { Options } from './options.ts';
import { imageNamed, loginFor } from './registry.ts';
import { StepFailure } from './step-failure.ts';

/** Starts a container that the box reaches by its name; it is there until it is killed, or until the attempt has ended. */
export const run = async (step: Internal, options: Options, context: InternalContext): Promise<Performed> => {
  const { parts, item, signal } = context;
  const { engine, exits, names } = parts;
  const name = nameOf(options, context);
  const network = await networkOf(context);
  const image = await imageFor(options, context);
  const spec: ContainerSpec = {
    name: names.service(item, name),
    title: `the container "${name}"`,
    image: image.id,
    labels: { ...parts.labelsOf(item, 'run'), [label.step]: step.id },
    argv: argvOf(options, image),
    env: envPairs(options),
    workdir: options.text('working-dir') ?? image.workdir,
    ...(options.text('user') === undefined ? {} : { user: options.required('user') }),
    mounts: [],
    limits: {},
    live: false,
    privileged: false,
    networkMode: network,
    alias: name,
    healthcheck: true,
  };
  await exits.hold();
  try {
    const id = await create(context, spec, step);
    try {
      await start(context, spec, id, name, image.hasHealthcheck);
    } catch (error) {
      await unlessGone(engine.json('DELETE', `/containers/${id}`, { query: { force: true, v: true } }));
      throw error;
    }
  } finally {
    exits.release();
  }
  signal.throwIfAborted();
  await say(context, `${name} runs ${image.resolved.reference}`);
  return { code: 0 };
};

/** Ends and removes what `run` has started, and tells how it had ended when it was not there any more. */
export const kill = async (_step: Internal, options: Options, context: InternalContext): Promise<Performed> => {
  const { parts, item, signal } = context;
  const name = options.required('name');
  const path = `/containers/${parts.names.service(item, name)}`;
  const record = await unlessGone(parts.engine.json<ContainerRecord>('GET', `${path}/json`, { signal }));
  if (record === undefined || record.Config.Labels?.[label.role] !== 'run') {
    throw new StepFailure(`no step has started a container called ${JSON.stringify(name)}, or it was killed already`);
  }
  const { Running, ExitCode } = record.State;
  if (!Running) await say(context, `${name} had ended by itself with exit code ${ExitCode}${await lastWords(context, record.Id)}`);
  await unlessGone(parts.engine.json('DELETE', path, { query: { force: true, v: true }, signal }));
  await say(context, `${name} is removed`);
  return { code: 0 };
};

const nameOf = (options: Options, { item }: InternalContext): string => {
  const name = options.required('name');
  if (!/^[a-zA-Z0-9](?:[\w.-]{0,61}[a-zA-Z0-9])?$/.test(name)) {
    throw new StepFailure(`${JSON.stringify(name)} can be no name of a container: up to 63 letters, digits, - _ and .`);
  }
  if (item.stage.services.some((service) => service.name === name)) throw new StepFailure(`there is a service called "${name}" already`);
  return name;
};

const networkOf = async (context: InternalContext): Promise<string> => {
  const mode = (await boxOf(context)).HostConfig.NetworkMode;
  if (mode.startsWith('container:') || ['none', 'host', 'bridge', 'default'].includes(mode)) {
    throw new StepFailure('the box is in no network of its own, so no name would be known in it');
  }
  return mode;
};

/** One that the run built under this name, else one that the engine has, else it is pulled. */
const imageFor = async (options: Options, context: InternalContext): Promise<Image> => {
  const { parts, item, signal } = context;
  const resolve = (reference: string): Promise<Image> => parts.images.resolve(item.run, { kind: 'reference', reference }, () => {}, signal);
  const built = parts.names.builtAs(item.run, options.required('image'));
  if ((await unlessGone(imageRecord(context, built))) !== undefined) return resolve(built);
  const image = imageNamed(options, 'image');
  const reference = fullName(image);
  if ((await unlessGone(imageRecord(context, reference))) === undefined) {
    const { auth } = await loginFor(options, image, context);
    const query = { fromImage: `${image.registry}/${image.repository}`, tag: image.digest ?? image.tag };
    await say(context, `Pulling ${reference}`);
    try {
      for await (const _ of parts.engine.progress('POST', '/images/create', { query, headers: { 'x-registry-auth': auth }, signal }));
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'refused') throw error;
      throw new StepFailure(`the image ${reference} cannot be pulled: ${error.message}`, { cause: error });
    }
  }
  return resolve(reference);
};

const argvOf = (options: Options, image: Image): readonly string[] => {
  const [entrypoint, cmd] = [options.argv('entrypoint'), options.argv('cmd')];
  const argv = entrypoint === undefined ? [...image.entrypoint, ...(cmd ?? image.cmd)] : [...entrypoint, ...(cmd ?? [])];
  if (argv.length === 0) throw new StepFailure(`the image ${image.resolved.reference} says no command, and the step says no "cmd"`);
  return argv;
};

/** What this same step has left before, when nobody was told its end, is replaced; what another has started is not. */
const create = async (context: InternalContext, spec: ContainerSpec, step: Internal): Promise<string> => {
  const { engine } = context.parts;
  const post = async (): Promise<string> => {
    const body = createBody(spec, spec.argv, spec.env, false, 'json-file');
    return (await engine.json<Created>('POST', '/containers/create', { query: { name: spec.name }, body })).Id;
  };
  try {
    return await post();
  } catch (error) {
    if (!isRefusal(error, 409)) throw error;
    const there = await unlessGone(engine.json<ContainerRecord>('GET', `/containers/${spec.name}/json`));
    if (there !== undefined && there.Config.Labels?.[label.step] !== step.id) {
      throw new StepFailure(`${spec.title} is there already: another step has started it, and none has killed it`);
    }
    await unlessGone(engine.json('DELETE', `/containers/${spec.name}`, { query: { force: true, v: true } }));
    return post();
  }
};

const start = async (context: InternalContext, spec: ContainerSpec, id: string, name: string, hasHealthcheck: boolean): Promise<void> => {
  const { parts, item, signal } = context;
  const { engine, exits, clock, readiness } = parts;
  const { exit } = exits.watch(id);
  await engine.json('POST', `/containers/${id}/start`);
  try {
    await readiness(
      serviceLike(name, spec.image),
      { id, exit, network: spec.networkMode, hasHealthcheck },
      parts.labelsOf(item, 'probe'),
      signal,
    );
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'SERVICE_NOT_READY') throw new StepFailure(error.message, { cause: error });
    throw error;
  }
  const settled = Promise.withResolvers<undefined>();
  const cancel = clock.after(settlesWithinMs, () => settled.resolve(undefined));
  const ended = await Promise.race([exit, settled.promise]).finally(cancel);
  if (ended === undefined) return;
  const told = `${spec.title} ended at once with exit code ${ended.code}${await lastWords(context, id)}`;
  if (ended.code !== 0) throw new StepFailure(told);
  await say(context, told);
};

/** Whatever dies of its own configuration does so at once. */
const settlesWithinMs = 250;

const readyWithinMs = 5 * 60_000;

const serviceLike = (name: string, reference: string): Service => ({
  name,
  image: { kind: 'reference', reference },
  command: { kind: 'image' },
  env: {},
  ports: [],
  privileged: false,
  ready: { kind: 'running', timeoutMs: readyWithinMs },
});

const lastWords = async ({ parts, signal }: InternalContext, id: string): Promise<string> => {
  const query = { stdout: true, stderr: true, tail: 20 };
  let text = '';
  for await (const { bytes } of demux(await parts.engine.stream('GET', `/containers/${id}/logs`, { query, signal })))
    text += bytes.toString();
  return text.trim() === '' ? '' : `; it said:\n${text.trim()}`;
};
