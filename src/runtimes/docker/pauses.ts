import type { Item } from '../runtime.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { Created } from './api.ts';
import type { Engine } from './engine/engine.ts';
import { EngineError } from './engine/engine-error.ts';
import { isRefusal } from './failures.ts';
import { type Labels, label } from './labels.ts';
import type { Names } from './names.ts';
import type { PauseImage } from './pause-image.ts';

/** A network namespace, kept alive by a pause container, for one item at a time. */
export type Lease = {
  readonly networkMode: string;
  /** Whether another item that was let go still has it. */
  isShared(): boolean;
  /** The command was let go. */
  go(ended: Promise<unknown>): void;
  giveBack(): void;
};

/**
 * Network namespaces for the items of runs, from a pool per run: starting one costs as much as two containers. An item may share the
 * namespace of those it needs, because they have ended before it is let go; no other two have one at the same time.
 */
export const makePauses = (engine: Engine, names: Names, image: PauseImage, labelsOf: (run: string, project: string) => Labels) => {
  const runs = new Map<string, Pool>();

  const poolOf = (run: string): Pool => {
    const pool = runs.get(run) ?? { pauses: new Set() };
    runs.set(run, pool);
    return pool;
  };

  const start = async (pool: Pool, item: Item, labels: Labels): Promise<string> => {
    pool.network ??= createNetwork(engine, names.network(item.run), labels, true);
    const [reference, network] = await Promise.all([image.ensure(), pool.network]);
    const body = {
      Image: reference,
      Labels: { ...labels, [label.role]: 'pause' },
      HostConfig: { NetworkMode: network, LogConfig: { Type: 'none' }, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'] },
    };
    const { Id } = await engine.json<Created>('POST', '/containers/create', { body });
    await engine.json('POST', `/containers/${Id}/start`);
    return Id;
  };

  return {
    lease: async (item: Item): Promise<Lease> => {
      const pool = poolOf(item.run);
      const needs = new Set(item.stage.needs.map((need) => need.node));
      const user: User = { stage: item.stage.name, after: new Set(needs), isRunning: false };
      let pause =
        [...pool.pauses].find(({ users }) => users.size > 0 && comesAfter(needs, users)) ??
        [...pool.pauses].find(({ users }) => users.size === 0);
      if (pause === undefined) {
        const labels = labelsOf(item.run, item.project);
        const added: Pause = { id: start(pool, item, labels), users: new Set() };
        pool.pauses.add(added);
        added.id.catch(() => pool.pauses.delete(added));
        pause = added;
      }
      const { users, id } = pause;
      for (const other of users) for (const name of other.after) user.after.add(name);
      users.add(user);
      try {
        const networkMode = `container:${await id}`;
        return {
          networkMode,
          isShared: () => [...users].some((other) => other !== user && other.isRunning),
          go: (ended) => {
            user.isRunning = true;
            ended.then(
              () => {
                user.isRunning = false;
              },
              () => {},
            );
          },
          giveBack: () => users.delete(user),
        };
      } catch (error) {
        users.delete(user);
        throw error;
      }
    },
    /** Resolves when nothing for the run is being made any more. */
    forget: async (run: string): Promise<void> => {
      const pool = runs.get(run);
      runs.delete(run);
      await Promise.allSettled([pool?.network, ...[...(pool?.pauses ?? [])].map((pause) => pause.id)]);
    },
  };
};

type Pool = { readonly pauses: Set<Pause>; network?: Promise<string> };
type Pause = { readonly id: Promise<string>; readonly users: Set<User> };
type User = { readonly stage: string; readonly after: Set<string>; isRunning: boolean };

/** Whether everybody there is needed, or needed by somebody there who is needed. */
const comesAfter = (needs: ReadonlySet<string>, users: ReadonlySet<User>): boolean => {
  const before = new Set(needs);
  for (const user of users) if (needs.has(user.stage)) for (const name of user.after) before.add(name);
  return [...users].every((user) => before.has(user.stage));
};

/** `apart`: the containers in it cannot reach each other. */
export const createNetwork = async (engine: Engine, name: string, labels: Labels, apart: boolean): Promise<string> => {
  const options = apart ? { 'com.docker.network.bridge.enable_icc': 'false' } : {};
  try {
    const body = { Name: name, CheckDuplicate: true, Driver: 'bridge', Labels: labels, Options: options };
    await engine.json('POST', '/networks/create', { body });
  } catch (error) {
    if (isRefusal(error, 409)) return name;
    if (error instanceof EngineError && /non-overlapping|address pool|no available network/i.test(error.message)) {
      const advice = 'remove networks that nobody uses (docker network prune), or give the engine more (default-address-pools)';
      throw new RuntimeError('ENGINE_REFUSED', `the engine has no addresses left for another network: ${advice}`, { cause: error });
    }
    throw error;
  }
  return name;
};
