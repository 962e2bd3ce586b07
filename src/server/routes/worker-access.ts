import type { FastifyInstance, FastifyRequest } from 'fastify';
import { leaseHeadersSchema, protocolHeader, protocolsTaken } from '../../api/worker-wire.ts';
import type { AttemptKey } from '../../results/results.ts';
import type { RouteDeps } from '../app-deps.ts';
import { HttpError } from '../http-error.ts';

/** Which worker asks, in words that this server understands. */
export const workerOf = async ({ actorOf }: Pick<RouteDeps, 'actorOf'>, request: FastifyRequest): Promise<string> => {
  const actor = await actorOf(request);
  if (actor.kind === 'worker') {
    refuseOtherProtocols(request);
    return actor.worker;
  }
  throw new HttpError('NOT_A_WORKER', 401, 'This address is for workers, with a token of theirs.');
};

/** All routes of the scope are for workers; the server may take its time for what a worker has sent whole. */
export const forWorkers = (app: FastifyInstance, deps: Pick<RouteDeps, 'actorOf' | 'limits'>): void => {
  app.addHook('onRequest', async (request, reply) => {
    await workerOf(deps, request);
    const { socket } = request.raw;
    request.raw.once('end', () => socket.setTimeout(deps.limits.workMs));
    reply.raw.once('finish', () => socket.setTimeout(deps.limits.idleMs));
  });
};

/** 403, as to who is none of ours: a worker of any version then keeps what it holds, as far as its leases go, and takes nothing. */
const refuseOtherProtocols = ({ headers }: FastifyRequest): void => {
  const said = headers[protocolHeader];
  if (protocolsTaken.some((one) => said === String(one))) return;
  const taken = protocolsTaken.join(' and ');
  const isNewer = Number(said) > Math.max(...protocolsTaken);
  throw new HttpError(
    'WORKER_PROTOCOL',
    403,
    `this worker speaks protocol ${Number(said) || 'none'}, and this server ${taken}.`,
    isNewer ? 'Upgrade the server first, then its workers.' : 'Upgrade this worker to the version of its server.',
  );
};

/** Which attempt a worker asks for: one that it holds, by the newest token. Nothing else of a request says whose bytes they are. */
export const leaseOf = async (
  deps: Pick<RouteDeps, 'actorOf' | 'leases' | 'guard'>,
  request: FastifyRequest,
): Promise<AttemptKey & { readonly worker: string }> => {
  const worker = await workerOf(deps, request);
  const headers = leaseHeadersSchema.safeParse(request.headers);
  const item = headers.success ? decoded(headers.data['cion-item']) : undefined;
  const key = item === undefined ? undefined : attemptOf(item);
  if (!headers.success || item === undefined || key === undefined) {
    throw new HttpError('REQUEST_INVALID', 400, 'The headers cion-item and cion-token have to name a lease.');
  }
  if (!(await deps.leases.held({ worker, item, token: Number(headers.data['cion-token']) }))) {
    await deps.guard.note({
      actor: { kind: 'worker', worker },
      action: 'worker.bytes',
      outcome: 'refused',
      detail: { item, method: request.method, route: request.routeOptions.url ?? '' },
    });
    throw new HttpError('LEASE_LOST', 409, `The worker ${JSON.stringify(worker)} does not hold ${JSON.stringify(item)}, or not any more.`);
  }
  return { ...key, worker };
};

/** `<run>/<stage>/<attempt>`. */
const attemptOf = (item: string): AttemptKey | undefined => {
  const [, run, stage, attempt] = /^([^/]+)\/(.+)\/([1-9]\d{0,8})$/s.exec(item) ?? [];
  return run === undefined || stage === undefined ? undefined : { run, stage, attempt: Number(attempt) };
};

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};
