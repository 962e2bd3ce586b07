import type { Clock } from '../../lib/clock.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { Exit } from '../runtime.ts';
import type { ContainerRecord, EngineEvent } from './api.ts';
import type { Engine } from './engine/engine.ts';
import { jsonLines } from './engine/json-lines.ts';
import { asRuntimeError, isRefusal } from './failures.ts';
import { label } from './labels.ts';
import { wasRestartedSince } from './restarts.ts';

/**
 * How containers end, from the engine's event stream: opened before the first of them starts, kept while somebody holds it. After a loss
 * of the stream every container that is watched is looked at once, and the engine is asked whether it is still the one that started it.
 */
export const makeExits = (engine: Engine, namespace: string, clock: Clock) => {
  const watched = new Map<string, Watched>();
  let holders = 0;
  let stream: { readonly cut: AbortController; readonly opened: Promise<void> } | undefined;

  const listen = async (opened: { resolve(): void; reject(error: unknown): void }, signal: AbortSignal): Promise<void> => {
    const filters = JSON.stringify({ type: ['container'], event: ['die', 'oom'], label: [`${label.namespace}=${namespace}`] });
    let isFirst = true;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const events = await engine.stream('GET', '/events', { query: { filters }, signal });
        failures = 0;
        isFirst = false;
        opened.resolve();
        await Promise.all([...watched.keys()].map(look));
        for await (const event of jsonLines<EngineEvent>(events)) told(event);
      } catch (error) {
        if (signal.aborted) return opened.reject(gone());
        const wait = isFirst || engine.isClosed() ? undefined : retryAfterMs[failures];
        failures += 1;
        if (wait === undefined) {
          opened.reject(error);
          return lose(error);
        }
        await new Promise<void>((resolve) => clock.after(wait, resolve));
      }
    }
  };

  const told = ({ Action, Actor }: EngineEvent): void => {
    const container = watched.get(Actor.ID);
    if (container === undefined) return;
    if (Action === 'oom') container.oom = true;
    if (Action === 'die') void ended(Actor.ID, container, Number(Actor.Attributes['exitCode'] ?? Number.NaN));
  };

  const ended = async (id: string, container: Watched, code: number): Promise<void> => {
    try {
      const { State } = await engine.json<ContainerRecord>('GET', `/containers/${id}/json`);
      container.settle.resolve({ code: State.ExitCode, oom: State.OOMKilled || container.oom });
    } catch (error) {
      if (isRefusal(error, 404) && !Number.isNaN(code)) container.settle.resolve({ code, oom: container.oom });
      else container.settle.reject(asRuntimeError(error, 'the end of a container cannot be read'));
    }
    watched.delete(id);
  };

  const look = async (id: string): Promise<void> => {
    const container = watched.get(id);
    if (container === undefined) return;
    try {
      const record = await engine.json<ContainerRecord>('GET', `/containers/${id}/json`);
      if (!container.outlivedEngine) container.outlivedEngine = await wasRestartedSince(engine, 'start', record);
      const { State } = record;
      if (State.Running || State.Status === 'created') return;
      container.settle.resolve({ code: State.ExitCode, oom: State.OOMKilled || container.oom });
    } catch (error) {
      if (!isRefusal(error, 404)) throw error;
      container.settle.reject(gone());
    }
    watched.delete(id);
  };

  const lose = (error: unknown): void => {
    stream = undefined;
    const lost = new RuntimeError('ENGINE_LOST', `the Docker Engine at ${engine.name} is gone while containers run`, { cause: error });
    for (const container of watched.values()) container.settle.reject(lost);
    watched.clear();
  };

  return {
    /** Resolves when the events flow; to be released. */
    hold: async (): Promise<void> => {
      holders += 1;
      if (stream === undefined) {
        const opened = Promise.withResolvers<void>();
        opened.promise.catch(() => {});
        const cut = new AbortController();
        stream = { cut, opened: opened.promise };
        void listen(opened, cut.signal);
      }
      await stream.opened;
    },
    release: (): void => {
      holders -= 1;
      if (holders > 0) return;
      stream?.cut.abort();
      stream = undefined;
      for (const container of watched.values()) container.settle.reject(gone());
      watched.clear();
    },
    /** To be called before the container starts, while the stream is held. */
    watch: (id: string): Watch => {
      const known = watched.get(id) ?? newlyWatched();
      watched.set(id, known);
      return { exit: known.exit, outlivedEngine: () => known.outlivedEngine };
    },
    /** Of a container that may have ended already, or that another process started. */
    look,
  };
};

const gone = (): RuntimeError => new RuntimeError('CONTAINER_GONE', 'the container was removed before its end was seen');

export type Exits = ReturnType<typeof makeExits>;

export type Watch = {
  readonly exit: Promise<Exit>;
  /** Once it has ended: whether the engine was started anew while it ran. */
  outlivedEngine(): boolean;
};

type Watched = {
  readonly exit: Promise<Exit>;
  readonly settle: { resolve(exit: Exit): void; reject(error: unknown): void };
  oom: boolean;
  outlivedEngine: boolean;
};

const newlyWatched = (): Watched => {
  const { promise: exit, ...settle } = Promise.withResolvers<Exit>();
  exit.catch(() => {});
  return { exit, settle, oom: false, outlivedEngine: false };
};

const retryAfterMs = [100, 300, 1000, 2000, 4000, 8000];
