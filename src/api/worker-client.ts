import type { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { json, text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { ApiError } from './api-error.ts';
import { directBytes } from './direct.ts';
import { httpResults } from './http-results.ts';
import { type Send, sender } from './send.ts';
import { asBytes, asJson, query } from './wire-bodies.ts';
import type { LeaseBytes, WorkerBytes } from './worker-bytes.ts';
import { AlteredError, isSignature, newNonce, partsOfToken, signedAnswer, signedRequest, signingHeaders } from './worker-signing.ts';
import type { ClaimAnswer, WorkerApi } from './worker-protocol.ts';
import {
  leaseHeaders,
  protocolHeader,
  reportAnswerSchema,
  saveCacheAnswerSchema,
  treeAnswerSchema,
  workerHeader,
  workerPaths,
  workerProtocol,
} from './worker-wire.ts';

/**
 * A worker's side of the wire. `agent`: how the server is reached; the one of a server in this process (in-process-agent.ts), one with
 * certificates of its own; absent: Node's. Both verbs reject with ApiError when the server says no, with AlteredError when what it says was altered, and with
 * what the network says.
 */
export const workerClient = (options: {
  readonly url: string;
  readonly token: string;
  readonly agent?: Agent;
  /** Where files wait that go past the server. */
  readonly folder?: string;
}): { readonly api: WorkerApi; readonly bytes: WorkerBytes } => {
  const { bearer, key } = partsOfToken(options.token);
  const send = withHeaders(sender(options.url, bearer, options.agent), () => ({ [protocolHeader]: String(workerProtocol) }));
  return {
    api: apiOver(key === undefined ? plainly(send) : signing(send, key)),
    bytes: (lease) => {
      const sendFor = withHeaders(send, () => leaseHeaders(lease));
      return directBytes(sendFor, bytesOver(sendFor, lease.item), options.folder ?? tmpdir());
    },
  };
};

type Ask = (path: string, request: { readonly worker: string }, signal: AbortSignal) => Promise<unknown>;

const plainly =
  (send: Send): Ask =>
  async (path, request, signal) =>
    json(await send({ method: 'POST', path, headers: { [workerHeader]: request.worker }, body: asJson(request), signal }));

/** Says with the next request what it refused of the answers. */
const signing = (send: Send, key: Uint8Array): Ask => {
  let refused = 0;
  return async (path, request, signal) => {
    const nonce = newNonce();
    const altered = String(refused);
    const body = JSON.stringify(request);
    const headers = {
      [workerHeader]: request.worker,
      [signingHeaders.nonce]: nonce,
      [signingHeaders.altered]: altered,
      [signingHeaders.signature]: signedRequest(key, altered, { path, nonce, body }),
    };
    const answer = await send({ method: 'POST', path, headers, body: { type: 'application/json', content: body }, signal });
    const said = await text(answer);
    if (!isSignature(signedAnswer(key, { path, nonce, body: said }), answer.headers[signingHeaders.signature])) {
      refused += 1;
      throw new AlteredError();
    }
    refused -= Number(altered);
    return JSON.parse(said) as unknown;
  };
};

const apiOver = (ask: Ask): WorkerApi => {
  return {
    // What an item needs is made by the server and taken as it is.
    claim: async (request, signal) => (await ask(workerPaths.claim, request, signal)) as ClaimAnswer,
    report: async (request, signal) => reportAnswerSchema.parse(await ask(workerPaths.report, request, signal)),
  };
};

const bytesOver = (send: Send, item: string): LeaseBytes => ({
  results: httpResults(send, item),
  caches: {
    open: (key) => send({ method: 'GET', path: `${workerPaths.cache}?${query({ key })}` }).catch(noneIf('CACHE_NONE')),
    save: async (key, tar, limitBytes) => {
      const limit = String(Math.min(limitBytes, Number.MAX_SAFE_INTEGER));
      const path = `${workerPaths.cache}?${query({ key, limit })}`;
      return saveCacheAnswerSchema.parse(await json(await send({ method: 'PUT', path, body: asBytes(tar) }))).result;
    },
  },
  trees: {
    open: (digest) => send({ method: 'GET', path: `${workerPaths.trees}?${query({ digest })}` }),
    keep: async (tar) => treeAnswerSchema.parse(await json(await send({ method: 'POST', path: workerPaths.trees, body: asBytes(tar) }))),
  },
  outputs: {
    read: async (stage) => {
      const stored = await send({ method: 'GET', path: `${workerPaths.outputs}?${query({ stage })}` });
      return Buffer.concat(await (stored as Readable).toArray());
    },
    keep: async (stdout) => {
      const answer = await send({ method: 'PUT', path: workerPaths.outputs, body: asBytes(stdout) });
      answer.resume();
    },
  },
});

const withHeaders =
  (send: Send, headersOf: () => Readonly<Record<string, string>>): Send =>
  async (sending) =>
    send({ ...sending, headers: { ...sending.headers, ...headersOf() } });

/** For answers that mean: there is none. */
const noneIf =
  (code: string) =>
  (error: unknown): undefined => {
    if (error instanceof ApiError && error.code === code) return undefined;
    throw error;
  };
