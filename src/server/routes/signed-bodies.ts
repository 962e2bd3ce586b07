import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { isSignature, type Signed, signedAnswer, signedRequest, signingHeaders } from '../../api/worker-signing.ts';
import type { RouteDeps } from '../app-deps.ts';
import { HttpError } from '../http-error.ts';
import { workerOf } from './worker-access.ts';

/**
 * In the routes of this scope, the body of a request counts only with the signature of its worker, and its answer is signed (atk-18). What was altered on the way
 * is refused before it is parsed.
 */
export const signedBodies = (
  app: Parameters<FastifyPluginAsyncZod>[0],
  deps: Pick<RouteDeps, 'actorOf' | 'guard' | 'workerKeys'>,
): void => {
  const { guard, workerKeys } = deps;
  if (workerKeys === undefined) return;
  const answers = new WeakMap<FastifyRequest, { readonly key: Uint8Array; readonly nonce: string }>();
  const parsed = app.getDefaultJsonParser('error', 'error');

  const note = async (request: FastifyRequest, what: Readonly<Record<string, string>>): Promise<void> => {
    const worker = await workerOf(deps, request);
    await guard.note({
      actor: { kind: 'worker', worker },
      action: 'worker.altered',
      outcome: 'refused',
      detail: { route: pathOf(request), ...what },
    });
  };

  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    const keys = workerKeys(request);
    if (keys !== undefined) {
      const nonce = header(request, signingHeaders.nonce);
      const altered = header(request, signingHeaders.altered);
      const said: Signed = { path: pathOf(request), nonce, body };
      const given = header(request, signingHeaders.signature);
      const key = nonce === '' ? undefined : keys.find((each) => isSignature(signedRequest(each, altered, said), given));
      if (key === undefined) {
        await note(request, { what: 'request' });
        throw new HttpError(
          'REQUEST_ALTERED',
          403,
          'The request is not signed with the key of this worker: it was altered on the way, or the token is not the whole one that this server made.',
          'See who stands between the worker and the server; make the worker a new token.',
        );
      }
      if (/^[1-9]\d{0,8}$/.test(altered)) await note(request, { what: 'answer', times: altered });
      answers.set(request, { key, nonce });
    }
    return new Promise((resolve, reject) => {
      void parsed(request, body.toString(), (error, value) => (error ? reject(error) : resolve(value)));
    });
  });

  app.addHook('onSend', async (request, reply, payload) => {
    const answer = answers.get(request);
    if (answer === undefined || typeof payload !== 'string') return;
    void reply.header(signingHeaders.signature, signedAnswer(answer.key, { path: pathOf(request), nonce: answer.nonce, body: payload }));
  });
};

const pathOf = (request: FastifyRequest): string => request.routeOptions.url ?? '';

const header = (request: FastifyRequest, name: string): string => {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
};
