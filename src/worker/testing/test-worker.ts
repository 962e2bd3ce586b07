import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { registryLogins } from '../../runtimes/registry-logins.ts';
import type { Runtime } from '../../runtimes/runtime.ts';
import { runWorker, type WorkerOptions } from '../run-worker.ts';
import type { MemoryServer } from './memory-server.ts';

/** A worker of this process, in a directory of its own unless one is given. */
export const testWorker = async (given: {
  readonly server: Pick<MemoryServer, 'api' | 'bytes'>;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly name?: string;
  readonly stateDir?: string;
  readonly more?: Partial<WorkerOptions>;
}) => {
  const { server, runtime, clock, name = 'one' } = given;
  const stateDir = given.stateDir ?? (await mkdtemp(join(tmpdir(), 'cion-worker-')));
  const lines: string[] = [];
  const drain = new AbortController();
  const leave = new AbortController();
  const ended = runWorker(
    {
      api: server.api,
      bytes: server.bytes,
      runtime,
      logins: registryLogins(),
      clock,
      random: () => 0,
      name,
      labels: [],
      slots: 4,
      stateDir,
      log: (line) => lines.push(line),
      ...given.more,
    },
    { drain: drain.signal, leave: leave.signal },
  );
  ended.catch(() => {});
  return {
    stateDir,
    lines,
    ended,
    drain: () => drain.abort(),
    leave: () => leave.abort(),
    /** Leaves what runs, and takes its directory away. */
    close: async (): Promise<void> => {
      leave.abort();
      await ended.catch(() => {});
      await rm(stateDir, { recursive: true, force: true });
    },
  };
};
