import { Readable } from 'node:stream';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { encodeFrame, framesOf, frameDecoder } from '../../api/log-frames.ts';
import {
  artifactsAnswerSchema,
  artifactsQuerySchema,
  beginLogSchema,
  cacheQuerySchema,
  doneSchema,
  finishSchema,
  logPartSchema,
  logPositionSchema,
  maxLogBatchBytes,
  objectQuerySchema,
  outputQuerySchema,
  readLogQuerySchema,
  saveCacheAnswerSchema,
  saveCacheQuerySchema,
  treeAnswerSchema,
  treeQuerySchema,
  workerPaths,
} from '../../api/worker-wire.ts';
import type { AttemptKey, StageKey, StoredChunk } from '../../results/results.ts';
import type { RunState } from '../../run/run-state.ts';
import type { RouteDeps } from '../app-deps.ts';
import { exactOutput, givenOutputs } from '../exact-output.ts';
import { goneSignal } from '../gone.ts';
import { HttpError } from '../http-error.ts';
import { gathered, limited } from '../limited.ts';
import { openLogs } from '../open-logs.ts';
import { treesOf } from '../trees-of.ts';
import { makeTurns } from '../turns.ts';
import { forWorkers, leaseOf } from './worker-access.ts';

/** The bytes of one attempt, each way by its lease: what is read and written follows from that, and from the run's state. */
export const workerBytesRoutes =
  (deps: RouteDeps): FastifyPluginAsyncZod =>
  async (app) => {
    const { results, trees, caches, outputs, limits } = deps;
    const logs = openLogs({ results, clock: deps.clock, limits });
    const inTurn = makeTurns();
    app.addHook('onClose', () => logs.closeAll());
    forWorkers(app, deps);
    app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
    const config = { rateLimit: { max: limits.workerRequestsPerMinute } };
    const stateOf = async (run: string): Promise<RunState> => {
      const state = await deps.dispatcher.state(run);
      if (state === undefined) throw new HttpError('RUN_UNKNOWN', 404, `There is no run ${JSON.stringify(run)}.`);
      return state;
    };

    app.post(workerPaths.beginLog, { config, schema: { body: beginLogSchema, response: { 200: logPositionSchema } } }, async (request) => {
      const { worker: _who, ...key } = await leaseOf(deps, request);
      const { startedAt, part } = request.body;
      return { position: await logs.begin({ ...key, ...(part === undefined ? {} : { part }) }, startedAt) };
    });

    app.post(workerPaths.log, { config, schema: { querystring: logPartSchema, response: { 200: logPositionSchema } } }, async (request) => {
      const { worker: _who, ...key } = await leaseOf(deps, request);
      const decoder = frameDecoder();
      const frames = decoder.push(await gathered(request.body as Readable, maxLogBatchBytes));
      decoder.end();
      return { position: await logs.append({ ...key, ...request.query }, frames) };
    });

    app.post(workerPaths.closeLog, { config, schema: { body: logPartSchema, response: { 200: doneSchema } } }, async (request) => {
      const { worker: _who, ...key } = await leaseOf(deps, request);
      await logs.close({ ...key, ...request.body });
      return { ok: true as const };
    });

    app.get(workerPaths.log, { config, schema: { querystring: readLogQuerySchema } }, async (request, reply) => {
      const { run, stage, attempt: own } = await leaseOf(deps, request);
      const { from, follow, attempt, part } = request.query;
      if (attempt !== undefined && attempt > own) {
        throw new HttpError('NOT_OF_THIS_LEASE', 403, `The lease is of attempt ${own}.`);
      }
      const key: StageKey = { run, stage, ...(attempt === undefined ? {} : { attempt }), ...(part === undefined ? {} : { part }) };
      const chunks = results.readLog(key, { from, follow: follow === '1', signal: goneSignal(reply) });
      return reply.type('application/octet-stream').send(Readable.from(encoded(chunks), { objectMode: false }));
    });

    app.put(
      workerPaths.artifacts,
      { config, schema: { querystring: artifactsQuerySchema, response: { 200: artifactsAnswerSchema } } },
      async (request) => {
        const { worker: _who, ...key } = await leaseOf(deps, request);
        const artifacts = await inTurn(turnOf(key), () =>
          results.putArtifacts({ ...key, ...request.query }, limited(request.body as Readable, limits.uploadBytes)),
        );
        return artifacts === undefined ? {} : { artifacts };
      },
    );

    app.post(workerPaths.finish, { config, schema: { body: finishSchema, response: { 200: doneSchema } } }, async (request) => {
      const { worker: _who, ...key } = await leaseOf(deps, request);
      await Promise.all([logs.close(key), logs.close({ ...key, part: 'done' })]);
      await inTurn(turnOf(key), () => results.finish(key, request.body.summary));
      return { ok: true as const };
    });

    app.get(workerPaths.object, { config, schema: { querystring: objectQuerySchema } }, async (request, reply) => {
      const { run, stage } = await leaseOf(deps, request);
      const { name } = request.query;
      const object = isOf(stage, name) ? await results.open(run, name) : undefined;
      if (object === undefined) throw new HttpError('OBJECT_NONE', 404, `There is no ${JSON.stringify(name)} of this stage.`);
      return reply.type('application/octet-stream').send(object);
    });

    app.get(workerPaths.trees, { config, schema: { querystring: treeQuerySchema } }, async (request, reply) => {
      const { run } = await leaseOf(deps, request);
      const digits = request.query.digest.replace(/^sha256:/, '');
      if (!treesOf(await stateOf(run)).has(digits)) {
        throw new HttpError('NOT_OF_THIS_LEASE', 403, `The run has no files ${JSON.stringify(digits)}.`);
      }
      return reply.type('application/octet-stream').send(await trees.open(request.query.digest));
    });

    app.post(workerPaths.trees, { config, schema: { response: { 200: treeAnswerSchema } } }, async (request) => {
      await leaseOf(deps, request);
      return trees.keep(limited(request.body as Readable, limits.uploadBytes));
    });

    app.get(workerPaths.cache, { config, schema: { querystring: cacheQuerySchema } }, async (request, reply) => {
      const { run } = await leaseOf(deps, request);
      const kept = await caches(await stateOf(run)).open(request.query.key);
      if (kept === undefined) throw new HttpError('CACHE_NONE', 404, `Nothing was kept under ${JSON.stringify(request.query.key)}.`);
      return reply.type('application/octet-stream').send(kept);
    });

    app.put(
      workerPaths.cache,
      { config, schema: { querystring: saveCacheQuerySchema, response: { 200: saveCacheAnswerSchema } } },
      async (request) => {
        const { run } = await leaseOf(deps, request);
        const { key, limit } = request.query;
        return { result: await caches(await stateOf(run)).save(key, limited(request.body as Readable, limits.uploadBytes), limit) };
      },
    );

    app.get(workerPaths.outputs, { config, schema: { querystring: outputQuerySchema } }, async (request, reply) => {
      const { run, stage } = await leaseOf(deps, request);
      const state = await stateOf(run);
      if (!givenOutputs(state, stage).has(request.query.stage)) {
        throw new HttpError(
          'NOT_OF_THIS_LEASE',
          403,
          `${JSON.stringify(stage)} is not given what ${JSON.stringify(request.query.stage)} wrote.`,
        );
      }
      return reply.type('application/octet-stream').send(await exactOutput({ results, outputs, limits }, state, request.query.stage));
    });

    app.put(workerPaths.outputs, { config, schema: { response: { 200: doneSchema } } }, async (request) => {
      const { worker: _who, ...key } = await leaseOf(deps, request);
      const stdout = await gathered(request.body as Readable, limits.outputBytes);
      await inTurn(turnOf(key), () => outputs.keep(key, stdout));
      return { ok: true as const };
    });
  };

/** A worker that sends a thing again may be faster than the end of its first try. */
const turnOf = ({ run, stage }: AttemptKey): string => `${run}/${stage}`;

const encoded = async function* (chunks: AsyncIterable<StoredChunk>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) for (const frame of framesOf(chunk, 0)) yield encodeFrame(frame);
};

/** Objects of that stage and of its attempts, not those of another whose name begins alike. */
const isOf = (stage: string, name: string): boolean => {
  const rest = name.startsWith(stage) ? name.slice(stage.length) : undefined;
  return rest !== undefined && /^(?:\.(?:done|steps))?(?:@\d+)?\.(?:json|log|zip)$/.test(rest);
};
