import type { TestContext } from 'node:test';
import type { Clock } from '../../lib/clock.ts';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { type FakeWorld, fakeRuntime, fakeWorld } from '../../runtimes/fake/fake-runtime.ts';
import type { Runtime } from '../../runtimes/runtime.ts';
import type { WorkerOptions } from '../run-worker.ts';
import { memoryServer } from './memory-server.ts';
import { testWorker } from './test-worker.ts';

export type BeginOptions = {
  /** Its engine; without it one of its own. */
  readonly world?: FakeWorld;
  readonly stateDir?: string;
  readonly runtime?: (runtime: Runtime) => Runtime;
  readonly clock?: Clock;
  readonly more?: Partial<WorkerOptions>;
};

/** A server, and workers with engines in memory. Time passes when nothing else is left to do, or, with `wait`, when it is told to. */
export const fakeSite = (t: TestContext, whenIdle: 'run' | 'wait' = 'run') => {
  const clock = virtualClock({ whenIdle, startAt: 1_000_000 });
  const server = memoryServer({ clock });
  const workers: Awaited<ReturnType<typeof testWorker>>[] = [];
  t.after(async () => {
    for (const { leave } of workers) leave();
    await Promise.allSettled(workers.map(({ ended }) => ended));
    await Promise.all(workers.map(({ close }) => close()));
  });
  const begin = async (name: string, options: BeginOptions = {}) => {
    const { world = fakeWorld(), runtime = (same) => same, stateDir, more } = options;
    const worker = await testWorker({
      server,
      runtime: runtime(fakeRuntime({ clock, world })),
      clock: options.clock ?? clock,
      name,
      ...(stateDir === undefined ? {} : { stateDir }),
      ...(more === undefined ? {} : { more }),
    });
    workers.push(worker);
    return { ...worker, world };
  };
  /** Lets time pass in small steps until the promise has settled. */
  const meanwhile = async <T>(promise: Promise<T>, stepMs = 1000): Promise<T> => {
    let settled = false;
    const watched = promise.finally(() => {
      settled = true;
    });
    watched.catch(() => {});
    while (!settled) await clock.advance(stepMs);
    return watched;
  };
  return { clock, server, begin, meanwhile };
};
