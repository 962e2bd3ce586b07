import { resolve } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { endableClock } from '../../lib/endable-clock.ts';
import type { ImageFinder } from '../../runtimes/image-finder.ts';
import { type RegistryLogins, registryLogins } from '../../runtimes/registry-logins.ts';
import type { Runtime } from '../../runtimes/runtime.ts';
import type { Context } from '../context.ts';

export type RuntimeOptions = {
  readonly runtime: 'docker' | 'fake';
  readonly allowPrivileged?: true;
  readonly allowHostPath?: readonly string[];
};

export type OpenRuntime = {
  readonly runtime: Runtime;
  /** Which it logs in with. */
  readonly logins: RegistryLogins;
  /** Absent: it knows no images. */
  readonly findImage?: ImageFinder;
  /** Lets the process end. */
  close(): Promise<void>;
};

/** Loads what runs the containers, and only that. Rejects when there is no engine. */
export const openRuntime = async (options: RuntimeOptions, context: Context, signal: AbortSignal): Promise<OpenRuntime> => {
  const logins = registryLogins();
  if (options.runtime === 'fake') {
    const { fakeRuntime } = await import('../../runtimes/fake/fake-runtime.ts');
    return { runtime: fakeRuntime({ clock: systemClock }), logins, close: async () => undefined };
  }
  const [{ dockerRuntime }, { dockerImageFinder }, { connect }, { findEndpoint }] = await Promise.all([
    import('../../runtimes/docker/docker-runtime.ts'),
    import('../../runtimes/docker/find-image.ts'),
    import('../../runtimes/docker/engine/connect.ts'),
    import('../../runtimes/docker/engine/endpoint.ts'),
  ]);
  const engine = await connect(findEndpoint(context.env), signal);
  const clock = endableClock(systemClock);
  const runtime = dockerRuntime({
    engine,
    clock,
    env: context.env,
    logins,
    allowPrivileged: options.allowPrivileged === true,
    allowHostPaths: (options.allowHostPath ?? []).map((path) => resolve(context.cwd, path)),
    ...(context.env.CION_NAMESPACE ? { namespace: context.env.CION_NAMESPACE } : {}),
  });
  const close = async (): Promise<void> => {
    clock.end();
    await engine.close();
  };
  return { runtime, logins, findImage: dockerImageFinder({ engine, env: context.env }), close };
};

const patienceMs = 60_000;

/** The runtime for as long as the work takes. */
export const withRuntime = async <T>(options: RuntimeOptions, context: Context, work: (runtime: Runtime) => Promise<T>): Promise<T> => {
  const { runtime, close } = await openRuntime(options, context, AbortSignal.timeout(patienceMs));
  try {
    return await work(runtime);
  } finally {
    await close();
  }
};
