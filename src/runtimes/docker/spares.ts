import { abortable } from '../../lib/abortable.ts';
import type { Engine } from './engine/engine.ts';
import { isRefusal } from './failures.ts';
import { type Labels, label, labelFilter } from './labels.ts';
import type { Names } from './names.ts';
import { removeContainer } from './sweep.ts';

/**
 * One pause container that no run has yet (docs/adr/0087-a-network-in-reserve.md). Labels cannot change, so that it is its name which says for
 * which run it was taken; a process that comes after this one finds it by that.
 */
export const makeSpares = (engine: Engine, namespace: string, names: Names, start: (labels: Labels) => Promise<string>) => {
  const labels = { [label.namespace]: namespace, [label.role]: 'spare' };
  let spare: Promise<string> | undefined;

  const removeWhere = async (isMeant: (name: string) => boolean, signal: AbortSignal): Promise<number> => {
    const query = { filters: labelFilter(labels), all: true };
    const found = await engine.json<readonly Container[]>('GET', '/containers/json', { query, signal });
    const meant = found.filter(({ Names: own }) => isMeant(own[0]?.slice(1) ?? ''));
    return (await Promise.all(meant.map(({ Id }) => removeContainer(engine, Id, signal)))).filter(Boolean).length;
  };

  const drop = async (signal: AbortSignal): Promise<void> => {
    const made = spare;
    spare = undefined;
    await abortable(Promise.allSettled([made]), signal);
  };

  return {
    has: (): boolean => spare !== undefined,
    keep: async (): Promise<void> => {
      if (spare === undefined) {
        const made = start(labels);
        spare = made;
        made.catch(() => {
          if (spare === made) spare = undefined;
        });
      }
      await spare;
    },
    /** It is the run's from now on, its sweep removes it; `undefined` where there is none, or none that lives. */
    take: async (run: string): Promise<string | undefined> => {
      const made = spare;
      spare = undefined;
      const id = await made?.catch(() => undefined);
      if (id === undefined) return undefined;
      try {
        const [{ State }] = await Promise.all([
          engine.json<Inspected>('GET', `/containers/${id}/json`),
          engine.json('POST', `/containers/${id}/rename`, { query: { name: `${names.taken(run)}${id.slice(0, 12)}` } }),
        ]);
        return State.Running ? id : undefined;
      } catch (error) {
        if (!isRefusal(error, 404)) throw error;
        return undefined;
      }
    },
    /** Resolves to how many. */
    remove: async (signal: AbortSignal): Promise<number> => {
      await drop(signal);
      return removeWhere((name) => !names.isTaken(name), signal);
    },
    removeOf: (run: string, signal: AbortSignal): Promise<number> => removeWhere((name) => name.startsWith(names.taken(run)), signal),
    removeAllBut: async (runs: readonly string[], signal: AbortSignal): Promise<number> => {
      await drop(signal);
      const kept = runs.map((run) => names.taken(run));
      return removeWhere((name) => !kept.some((prefix) => name.startsWith(prefix)), signal);
    },
  };
};

type Container = { readonly Id: string; readonly Names: readonly string[] };
type Inspected = { readonly State: { readonly Running: boolean } };
