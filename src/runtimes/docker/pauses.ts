import type { Clock } from '../../lib/clock.ts';
import type { Item } from '../runtime.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { Created } from './api.ts';
import type { Engine } from './engine/engine.ts';
import { isRefusal } from './failures.ts';
import { type Labels, label } from './labels.ts';
import type { Names } from './names.ts';
import type { PauseImage } from './pause-image.ts';
import { makeSpares } from './spares.ts';
import type { StageNetwork } from './stage-network.ts';

/** A network namespace for one item at a time: kept alive by a pause container, or the item's own. */
export type Lease = {
  readonly networkMode: string;
  /** Whether another item that was let go still has it. */
  isShared(): boolean;
  /** Whether that is why nothing can be started in it; another lease may do. */
  isLost(error: unknown): boolean;
  /** The command was let go. */
  go(ended: Promise<unknown>): void;
  giveBack(): void;
};

/**
 * Network namespaces for the items of runs, from a pool per run: starting one costs as much as two containers. An item may share the
 * namespace of those it needs, because they have ended before it is let go; no other two have one at the same time.
 */
export const makePauses = (
  engine: Engine,
  network: StageNetwork,
  image: PauseImage,
  namespace: string,
  names: Names,
  clock: Pick<Clock, 'after'>,
  labelsOf: (run: string, project: string) => Labels,
) => {
  const runs = new Map<string, Pool>();

  const poolOf = (run: string): Pool => {
    const pool = runs.get(run) ?? { pauses: new Set(), releases: new Set() };
    runs.set(run, pool);
    return pool;
  };

  const create = async (labels: Labels): Promise<string> => {
    const [reference, id] = await Promise.all([image.ensure(), network.ensure()]);
    const body = {
      Image: reference,
      Labels: labels,
      HostConfig: { NetworkMode: id, LogConfig: { Type: 'none' }, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'] },
    };
    const { Id } = await engine.json<Created>('POST', '/containers/create', { body });
    try {
      await engine.json('POST', `/containers/${Id}/start`);
      return Id;
    } catch (error) {
      await remove(Id);
      throw error;
    }
  };

  /** What is left when an engine does not answer is the sweep's. */
  const remove = (id: string): Promise<void> =>
    engine.json<void>('DELETE', `/containers/${id}`, { query: { force: true, v: true } }).catch(() => {});

  /** The image or the network may have been removed by somebody who found them unused: once more, then. */
  const start = async (labels: Labels): Promise<string> => {
    try {
      return await create(labels);
    } catch (error) {
      if (!isRefusal(error, 404)) throw error;
      image.forget();
      network.forget();
      return create(labels);
    }
  };

  const spares = makeSpares(engine, namespace, names, start);

  /** Nobody would use the namespace after the item: a pause container would only be started and removed. */
  const own = async (): Promise<Lease> => ({
    networkMode: await network.ensure(),
    isShared: () => false,
    isLost: (error) => {
      const cause = error instanceof RuntimeError ? error.cause : error;
      const isGone = isRefusal(cause, 404) && /network/i.test(String(cause));
      if (isGone) network.forget();
      return isGone;
    },
    go: () => {},
    giveBack: () => {},
  });

  const add = (pool: Pool, run: string, project: string): Pause => {
    const made = async (): Promise<string> => (await spares.take(run)) ?? start({ ...labelsOf(run, project), [label.role]: 'pause' });
    const added: Pause = { id: made(), users: new Set(), stay: () => {} };
    pool.pauses.add(added);
    added.id.catch(() => pool.pauses.delete(added));
    return added;
  };

  /** A run may wait for days, at a gate or for another worker, and comes back to another namespace then. */
  const releaseLater = (pool: Pool, pause: Pause): void => {
    pause.stay = clock.after(idleMs, () => {
      pool.pauses.delete(pause);
      const release = pause.id.then(remove).finally(() => pool.releases.delete(release));
      pool.releases.add(release);
    });
  };

  return {
    spares,
    lease: async (item: Item): Promise<Lease> => {
      if (item.alone === true && !runs.has(item.run) && !spares.has()) return own();
      const pool = poolOf(item.run);
      const needs = new Set([...item.stage.needs.map((need) => need.node), ...(item.part === undefined ? [] : [item.stage.name])]);
      const user: User = { stage: item.stage.name, after: new Set(needs), isRunning: false };
      const taken =
        [...pool.pauses].find(({ users }) => users.size > 0 && comesAfter(needs, users)) ??
        [...pool.pauses].find(({ users }) => users.size === 0) ??
        add(pool, item.run, item.project);
      const { users, id } = taken;
      taken.stay();
      for (const other of users) for (const name of other.after) user.after.add(name);
      users.add(user);
      try {
        const networkMode = `container:${await id}`;
        return {
          networkMode,
          isShared: () => [...users].some((other) => other !== user && other.isRunning),
          isLost: () => false,
          go: (ended) => {
            user.isRunning = true;
            ended.then(
              () => {
                user.isRunning = false;
              },
              () => {},
            );
          },
          giveBack: () => {
            users.delete(user);
            if (users.size === 0 && runs.get(item.run) === pool) releaseLater(pool, taken);
          },
        };
      } catch (error) {
        users.delete(user);
        throw error;
      }
    },
    /** Resolves when nothing for the run is being made any more. */
    forget: async (run: string): Promise<void> => {
      const pool = runs.get(run);
      if (pool === undefined) return;
      runs.delete(run);
      for (const pause of pool.pauses) pause.stay();
      await Promise.allSettled([...pool.pauses].map((pause) => pause.id));
      await Promise.all(pool.releases);
    },
  };
};

/** Without an item. */
const idleMs = 10_000;

type Pool = { readonly pauses: Set<Pause>; readonly releases: Set<Promise<unknown>> };
/** `stay`: it is not released, where it was about to be. */
type Pause = { readonly id: Promise<string>; readonly users: Set<User>; stay: () => void };
type User = { readonly stage: string; readonly after: Set<string>; isRunning: boolean };

/** Whether everybody there is needed, or needed by somebody there who is needed. */
const comesAfter = (needs: ReadonlySet<string>, users: ReadonlySet<User>): boolean => {
  const before = new Set(needs);
  for (const user of users) if (needs.has(user.stage)) for (const name of user.after) before.add(name);
  return [...users].every((user) => before.has(user.stage));
};
