import { systemClock } from '../lib/clock.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import type { Context } from './context.ts';

export type RuntimeName = 'docker' | 'fake';

/** Rejects with a RuntimeError when there is no engine. `close` lets the process end. */
export type OpenRuntime = { readonly runtime: Runtime; close(): Promise<void> };

/** Loads what runs the containers, and only that. */
export const openRuntime = async (name: RuntimeName, context: Context, signal: AbortSignal): Promise<OpenRuntime> => {
  if (name === 'fake') {
    const { fakeRuntime } = await import('../runtimes/fake/fake-runtime.ts');
    return { runtime: fakeRuntime({ clock: systemClock }), close: async () => undefined };
  }
  throw new Error('not yet');
};

/** The runtime for as long as the work takes. */
export const withRuntime = async <T>(name: RuntimeName, context: Context, work: (runtime: Runtime) => Promise<T>): Promise<T> => {
  const { runtime, close } = await openRuntime(name, context, AbortSignal.timeout(60_000));
  try {
    return await work(runtime);
  } finally {
    await close();
  }
};
