import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import {
  type DirectAs,
  directAnswerSchema,
  directBeginAnswerSchema,
  directBeginSchema,
  directKeepAnswerSchema,
  directKeepSchema,
  directReadAnswerSchema,
  directReadSchema,
  workerPaths,
} from '../../api/worker-wire.ts';
import type { DirectBytes, UploadAs } from '../../results/direct-bytes.ts';
import type { AttemptKey } from '../../results/results.ts';
import type { RunState } from '../../run/run-state.ts';
import { cacheOwner } from '../housekeeping/cache-owner.ts';
import type { RouteDeps } from '../app-deps.ts';
import { HttpError } from '../http-error.ts';
import { treesOf } from '../trees-of.ts';
import { makeTurns } from '../turns.ts';
import { forWorkers, leaseOf } from './worker-access.ts';

/**
 * Addresses at which a worker reads and writes bytes of its attempt past the server. Each is made for a lease that is held at that moment, and so is what was
 * uploaded kept: whoever has lost it in between has uploaded nothing.
 */
export const workerDirectRoutes =
  (deps: RouteDeps): FastifyPluginAsyncZod =>
  async (app) => {
    const { limits } = deps;
    const inTurn = makeTurns();
    const config = { rateLimit: { max: limits.workerRequestsPerMinute } };
    forWorkers(app, deps);
    const directly = (): DirectBytes => {
      if (deps.direct === undefined) throw new HttpError('DIRECT_OFF', 409, 'Bytes of workers go through this server.');
      return deps.direct;
    };
    const stateOf = async (run: string): Promise<RunState> => {
      const state = await deps.dispatcher.state(run);
      if (state === undefined) throw new HttpError('RUN_UNKNOWN', 404, `There is no run ${JSON.stringify(run)}.`);
      return state;
    };
    const goalOf = async ({ run }: AttemptKey, as: DirectAs, sha256: string): Promise<UploadAs> => {
      if (as.kind === 'tree') return { kind: 'tree', digest: sha256 };
      return as.kind === 'cache' ? { ...as, owner: cacheOwner(await stateOf(run)) } : as;
    };

    app.get(workerPaths.direct, { config, schema: { response: { 200: directAnswerSchema } } }, async (request) => {
      await leaseOf(deps, request);
      return { isDirect: (await deps.direct?.isSafe()) === true };
    });

    app.post(
      workerPaths.directRead,
      { config, schema: { body: directReadSchema, response: { 200: directReadAnswerSchema } } },
      async (request) => {
        const { run } = await leaseOf(deps, request);
        const state = await stateOf(run);
        const what = request.body;
        if (what.kind === 'tree' && !treesOf(state).has(what.digest.replace(/^sha256:/, ''))) {
          throw new HttpError('NOT_OF_THIS_LEASE', 403, `The run has no files ${JSON.stringify(what.digest)}.`);
        }
        const address = await (what.kind === 'tree' ? directly().tree(what.digest) : directly().cache(cacheOwner(state), what.key));
        return address === undefined ? {} : { address };
      },
    );

    app.post(
      workerPaths.directBegin,
      { config, schema: { body: directBeginSchema, response: { 200: directBeginAnswerSchema } } },
      async (request) => {
        const { worker: _who, ...key } = await leaseOf(deps, request);
        const { as, bytes, sha256 } = request.body;
        if (bytes > limits.uploadBytes) {
          throw new HttpError('REQUEST_TOO_LARGE', 413, `Files of a worker may have ${limits.uploadBytes} bytes.`);
        }
        if (as.kind === 'tree' && (await directly().hasTree(sha256))) return { kind: 'there' as const };
        return { kind: 'upload' as const, ...(await directly().begin(key, { bytes, sha256 })) };
      },
    );

    app.post(
      workerPaths.directKeep,
      { config, schema: { body: directKeepSchema, response: { 200: directKeepAnswerSchema } } },
      async (request) => {
        const { worker: _who, ...key } = await leaseOf(deps, request);
        const { as, id, sha256 } = request.body;
        const goal = await goalOf(key, as, sha256);
        return { result: await inTurn(`${key.run}/${key.stage}`, () => directly().keep(key, id, goal)) };
      },
    );
  };
