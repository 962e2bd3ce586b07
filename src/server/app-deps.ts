import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { CacheStore } from '../engine/cache-store.ts';
import type { LeaseBytes } from '../api/worker-bytes.ts';
import type { WorkerApi } from '../api/worker-protocol.ts';
import type { Clock } from '../lib/clock.ts';
import type { DirectBytes, Downloads } from '../results/direct-bytes.ts';
import type { Results } from '../results/results.ts';
import type { RunState } from '../run/run-state.ts';
import type { ProjectStore } from '../store/projects.ts';
import type { Queue } from '../store/queue.ts';
import type { RunStore } from '../store/run-store.ts';
import type { Actor, Guard } from './actor.ts';
import type { Dispatcher } from './dispatch/dispatcher.ts';
import type { HttpLimits } from './http-limits.ts';
import type { LeaseCheck } from './lease-check.ts';
import type { OutputStore } from './outputs/output-store.ts';
import type { BeginRun } from './runs/begin-run.ts';

/** All that the HTTP side of a server is made of. */
export type AppDeps = {
  readonly dispatcher: Dispatcher;
  /** What workers call; absent: the dispatcher itself. */
  readonly workers?: WorkerApi;
  readonly runs: Pick<RunStore, 'events' | 'list' | 'deployments'>;
  readonly queue: Pick<Queue, 'list'>;
  readonly projects: Pick<ProjectStore, 'get' | 'list'>;
  readonly results: Results;
  readonly trees: LeaseBytes['trees'];
  /** Of a run's project, and of how far the run is trusted. */
  caches(state: RunState): CacheStore;
  readonly outputs: OutputStore;
  /** Absent: the server itself sends what is downloaded. */
  readonly downloads?: Downloads;
  /** Absent: all bytes of workers go through the server. */
  readonly direct?: DirectBytes;
  readonly leases: LeaseCheck;
  /** Who sent it, by what it carries. Rejects with HttpError for what is not good; without anything: anonymous. */
  actorOf(request: FastifyRequest): Promise<Actor>;
  readonly guard: Guard;
  /** With which of these what a worker says is signed, and what it is answered; absent or `undefined`: it does not go over a network. */
  workerKeys?(request: FastifyRequest): readonly Uint8Array[] | undefined;
  readonly beginRun: BeginRun;
  /** Why a node waits, was skipped or ended as it did, in sentences. */
  why(state: RunState, node: string): Promise<readonly string[]>;
  readonly health: () => Promise<{ readonly database: boolean; readonly workers: number; readonly results?: boolean }>;
  /** Routes of other parts: log-in, hooks, triggers, the page. */
  readonly plugins: readonly FastifyPluginAsync[];
  /** Addresses and networks (`10.0.0.0/8`) of proxies whose word counts for where a request comes from; absent: nobody's. */
  readonly proxies?: readonly string[];
  readonly clock: Clock;
  /** Gets the lines of the log, JSON each; absent: nobody does. */
  readonly log?: { write(line: string): void };
  readonly limits?: Partial<HttpLimits>;
};

/** With the limits complete. */
export type RouteDeps = Omit<AppDeps, 'limits'> & { readonly limits: HttpLimits };
