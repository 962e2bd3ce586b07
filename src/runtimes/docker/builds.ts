import type { RegistryLogins } from '../registry-logins.ts';
import type { PrepareNote } from '../runtime.ts';
import { authForBuild } from './auth-for.ts';
import { type BuildSource, buildContext, failure } from './build-context.ts';
import { DockerConfigError, type Environment } from './engine/docker-config.ts';
import type { Engine } from './engine/engine.ts';
import { EngineError } from './engine/engine-error.ts';
import { asRuntimeError, unlessGone } from './failures.ts';
import { label } from './labels.ts';
import type { Names } from './names.ts';
import type { Volumes } from './volumes.ts';

type BuildMessage = { readonly stream?: string };

/** Images from Dockerfiles, each content once, whichever run asks; see docs/adr/0024-images-that-runs-make.md. */
export const makeBuilds = (given: {
  readonly engine: Engine;
  readonly names: Names;
  readonly volumes: Volumes;
  readonly namespace: string;
  readonly env: Environment;
  readonly logins: RegistryLogins;
}) => {
  const { engine, names, namespace, env, logins } = given;
  const building = new Map<string, Promise<void>>();

  const isThere = async (reference: string, signal: AbortSignal): Promise<boolean> =>
    (await unlessGone(engine.json('GET', `/images/${reference}/json`, { signal }).then(() => true))) ?? false;

  const build = async (
    run: string,
    source: BuildSource,
    reference: string,
    context: { readonly dockerfile: string; tar(): Promise<AsyncIterable<Uint8Array>> },
    notify: (note: PrepareNote) => void,
    signal: AbortSignal,
  ): Promise<void> => {
    const log: string[] = [];
    let rest = '';
    const say = (text: string): void => {
      const lines = `${rest}${text}`.split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        log.push(line);
        if (log.length > lastLines) log.shift();
        notify({ kind: 'building', dockerfile: source.dockerfile, line });
      }
    };
    try {
      const query = {
        t: reference,
        dockerfile: context.dockerfile,
        labels: JSON.stringify({ [label.namespace]: namespace, [label.role]: 'build' }),
        rm: true,
        forcerm: true,
      };
      const headers = { 'x-registry-config': await authForBuild(run, logins, env, signal) };
      const body = await context.tar();
      for await (const { stream } of engine.progress<BuildMessage>('POST', '/build', { query, headers, body, signal })) say(stream ?? '');
    } catch (error) {
      const doing = `the image of ${source.dockerfile} cannot be built`;
      if (error instanceof DockerConfigError) throw failure(`${doing}: ${error.message}`, { cause: error });
      const translated = asRuntimeError(error, doing, 'IMAGE_BUILD_FAILED');
      if (!(error instanceof EngineError) || error.code !== 'refused' || !(translated instanceof Error)) throw translated;
      if (rest !== '') say('\n');
      throw failure([translated.message, ...log].join('\n'), { cause: error });
    }
  };

  return {
    /** Its reference, when it is there. */
    ensure: async (run: string, source: BuildSource, notify: (note: PrepareNote) => void, signal: AbortSignal): Promise<string> => {
      const context = await buildContext(given, run, source, signal);
      const reference = names.built(context.digest);
      for (let others = building.get(reference); others !== undefined; others = building.get(reference)) {
        await others.catch(() => {});
        signal.throwIfAborted();
      }
      const made = isThere(reference, signal).then((is) => (is ? undefined : build(run, source, reference, context, notify, signal)));
      building.set(reference, made);
      await made.finally(() => building.delete(reference));
      return reference;
    },
  };
};

export type Builds = ReturnType<typeof makeBuilds>;

const lastLines = 20;
