import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../../lib/clock.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Queue } from '../../store/queue.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';

/**
 * What a server does, in numbers, as Prometheus reads them. Labels are words of ours alone: no project, branch, stage or user, so that there are few of them
 * and none says what a private project is called (atk-66).
 */
export type ServerMetrics = {
  /** The text of now. Rejects when the database does. */
  text(): Promise<string>;
  readonly contentType: string;
  /** Counts what happens to runs from now on; until the returned function is called. */
  follow(dispatcher: Pick<Dispatcher, 'watch'>): () => void;
  /** Counts the requests of an app. */
  observe(app: FastifyInstance): void;
};

export type MetricsDeps = {
  readonly queue: Pick<Queue, 'list'>;
  /** How many are connected. */
  readonly workers: () => Promise<number>;
  readonly clock: Pick<Clock, 'now'>;
};

const minutes = [1, 5, 15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200];

export const serverMetrics = ({ queue, workers, clock }: MetricsDeps): ServerMetrics => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const items = new Gauge({ name: 'cion_queue_items', help: 'Attempts in the queue.', labelNames: ['state'], registers });
  const oldest = new Gauge({ name: 'cion_queue_oldest_seconds', help: 'How long the first of those that wait has waited.', registers });
  const present = new Gauge({ name: 'cion_workers', help: 'Workers that are connected.', registers });
  const runs = new Counter({ name: 'cion_runs_total', help: 'Runs that finished.', labelNames: ['outcome', 'trigger'], registers });
  const runTime = new Histogram({
    name: 'cion_run_seconds',
    help: 'From the making of a run to its end.',
    labelNames: ['outcome'],
    buckets: minutes,
    registers,
  });
  const claims = new Counter({ name: 'cion_claims_total', help: 'Attempts that a worker has taken.', registers });
  const attempts = new Counter({
    name: 'cion_stages_total',
    help: 'Attempts of stages that finished.',
    labelNames: ['outcome'],
    registers,
  });
  const waited = new Histogram({
    name: 'cion_stage_wait_seconds',
    help: 'From the queue to the start of the command.',
    buckets: [0.1, 0.5, ...minutes],
    registers,
  });
  const stageTime = new Histogram({
    name: 'cion_stage_seconds',
    help: 'From the start of the command to its end.',
    labelNames: ['outcome'],
    buckets: [0.1, 0.5, ...minutes],
    registers,
  });
  const lost = new Counter({ name: 'cion_leases_lost_total', help: 'Leases of workers that were not heard of in time.', registers });
  const returned = new Counter({
    name: 'cion_attempts_returned_total',
    help: 'Attempts that came back into the queue, never let go.',
    labelNames: ['because'],
    registers,
  });
  const deployments = new Counter({ name: 'cion_deployments_total', help: 'Deployments that were recorded.', registers });
  const requests = new Counter({
    name: 'cion_http_requests_total',
    help: 'Requests that were answered.',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const requestTime = new Histogram({
    name: 'cion_http_request_seconds',
    help: 'From a request to the end of its answer.',
    labelNames: ['route'],
    registers,
  });

  const count = (event: RunEvent, state: RunState): void => {
    switch (event.kind) {
      case 'run.finished':
        runs.inc({ outcome: event.outcome, trigger: state.trigger.kind });
        runTime.observe({ outcome: event.outcome }, secondsBetween(state.createdAt, event.at));
        return;
      case 'stage.preparing':
        return claims.inc();
      case 'stage.started': {
        const attempt = attemptOf(state, event);
        return attempt === undefined ? undefined : waited.observe(secondsBetween(attempt.queuedAt, event.at));
      }
      case 'stage.finished': {
        attempts.inc({ outcome: event.outcome });
        const startedAt = attemptOf(state, event)?.startedAt;
        return startedAt === undefined ? undefined : stageTime.observe({ outcome: event.outcome }, secondsBetween(startedAt, event.at));
      }
      case 'stage.lost':
        return lost.inc();
      case 'stage.returned':
        return returned.inc({ because: event.because });
      case 'deployment.recorded':
        return deployments.inc();
      default:
    }
  };

  return {
    contentType: registry.contentType,
    text: async () => {
      const [queued, connected] = await Promise.all([queue.list(), workers()]);
      const waiting = queued.filter(({ claim }) => claim === undefined);
      items.set({ state: 'waiting' }, waiting.length);
      items.set({ state: 'claimed' }, queued.length - waiting.length);
      oldest.set(waiting.reduce((longest, { at }) => Math.max(longest, secondsBetween(at, clock.now())), 0));
      present.set(connected);
      return registry.metrics();
    },
    follow: (dispatcher) =>
      dispatcher.watch(undefined, (events, state) => {
        for (const event of events) count(event, state);
      }),
    observe: (app) => {
      app.addHook('onResponse', async (request, reply) => {
        const route = request.routeOptions.url ?? 'none';
        requests.inc({ method: route === 'none' ? 'any' : request.method, route, status: String(reply.statusCode) });
        requestTime.observe({ route }, reply.elapsedTime / 1000);
      });
    },
  };
};

const attemptOf = (state: RunState, { stage, attempt }: { readonly stage: string; readonly attempt: number }) => {
  const node = state.nodes.get(stage);
  return node?.kind === 'stage' ? node.attempts.find((one) => one.attempt === attempt) : undefined;
};

/** Clocks are set back. */
const secondsBetween = (from: number, to: number): number => Math.max(0, to - from) / 1000;
