import type { KeepingDriver } from './containers.ts';
import type { Engine } from './engine/engine.ts';

/**
 * The log driver that this engine keeps logs with. It is asked which it has: one that it lacks it would look for among plugins, for 15 s.
 * `refused`: it does not have it after all.
 */
export const makeLogDriver = (engine: Engine) => {
  let known: Promise<KeepingDriver> | undefined;

  const ask = async (): Promise<KeepingDriver> => {
    const drivers: readonly string[] = await engine.json<Info>('GET', '/info').then(
      (info) => info.Plugins?.Log ?? [],
      () => [],
    );
    return drivers.length === 0 || drivers.includes('local') ? 'local' : 'json-file';
  };

  return {
    name: (): Promise<KeepingDriver> => (known ??= ask()),
    refused: (): void => {
      known = Promise.resolve('json-file');
    },
  };
};

export type LogDriver = ReturnType<typeof makeLogDriver>;

type Info = { readonly Plugins?: { readonly Log?: readonly string[] | null } };
