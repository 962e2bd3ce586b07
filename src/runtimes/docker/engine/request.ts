import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CallOptions, Method, QueryValue } from './engine.ts';
import { lost, unreachable } from './failures.ts';
import { refusal } from './refusal.ts';
import type { Transport } from './transport.ts';

export type Call = CallOptions & { readonly method: Method; readonly path: string; readonly takeOver?: boolean };

export type Answer =
  | { readonly kind: 'response'; readonly response: IncomingMessage }
  /** The connection is the caller's now, and no longer cut by the signal; `head` is what came over it already. */
  | { readonly kind: 'taken-over'; readonly connection: Duplex; readonly head: Buffer };

/**
 * Resolves when the headers of an answer are there that is no refusal; the signal goes on to cut the rest of it. Rejects with an
 * EngineError, with the signal's reason, or with what the body's source threw.
 */
export const request = async (transport: Transport, call: Call): Promise<Answer> => {
  for (;;) {
    const answer = await requestOnce(transport, call);
    if (answer !== 'stale') return answer;
  }
};

/** `stale`: a kept connection turned out to be closed, and the call does no harm when repeated over another. */
const requestOnce = (transport: Transport, call: Call): Promise<Answer | 'stale'> => {
  const { signal } = call;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const body = bodyOf(call.body);
    const outgoing = httpRequest({
      agent: transport.agent,
      method: call.method,
      path: `${transport.basePath}${call.path}${queryString(call.query)}`,
      headers: {
        host: transport.host,
        ...body.headers,
        ...(call.takeOver === true ? { connection: 'Upgrade', upgrade: 'tcp' } : {}),
        ...call.headers,
      },
    });

    const abort = () => outgoing.destroy();
    signal?.addEventListener('abort', abort, { once: true });
    const detach = () => signal?.removeEventListener('abort', abort);
    let answered = false;
    let sourceFailure: { readonly error: unknown } | undefined;

    outgoing.on('close', detach);
    outgoing.on('error', (error) => {
      if (answered) return;
      discard(call.body);
      if (signal?.aborted === true) reject(signal.reason);
      else if (sourceFailure !== undefined) reject(sourceFailure.error);
      else if (isStale(call, outgoing, error)) resolve('stale');
      else reject(isEstablished(transport, outgoing) ? lost(transport.name, error) : unreachable(transport.name, error));
    });
    outgoing.on('upgrade', (_response, connection, head) => {
      answered = true;
      detach();
      resolve({ kind: 'taken-over', connection, head });
    });
    outgoing.on('response', (response) => {
      answered = true;
      if (call.takeOver !== true && isGood(response)) return resolve({ kind: 'response', response });
      discard(call.body);
      refusal(transport.name, response).then((error) => {
        if (!outgoing.writableEnded) outgoing.destroy();
        reject(signal?.aborted === true ? signal.reason : error);
      }, reject);
    });

    if (body.kind === 'whole') outgoing.end(body.text);
    else sendWhenWanted(outgoing, body.bytes, (error) => (sourceFailure = { error }));
  });
};

const isGood = ({ statusCode = 0 }: IncomingMessage): boolean => (statusCode >= 200 && statusCode < 300) || statusCode === 304;

const isStale = ({ method }: Call, { reusedSocket }: ClientRequest, error: Error): boolean =>
  reusedSocket && (method === 'GET' || method === 'HEAD') && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');

const isEstablished = (transport: Transport, { socket }: ClientRequest): boolean => socket !== null && transport.established(socket);

type Body =
  | { readonly kind: 'whole'; readonly headers: Readonly<Record<string, string>>; readonly text?: string }
  | { readonly kind: 'stream'; readonly headers: Readonly<Record<string, string>>; readonly bytes: AsyncIterable<Uint8Array> };

const bodyOf = (body: Call['body']): Body => {
  if (body === undefined) return { kind: 'whole', headers: {} };
  if (isStream(body)) return { kind: 'stream', headers: { 'content-type': 'application/x-tar', expect: '100-continue' }, bytes: body };
  const text = JSON.stringify(body);
  return { kind: 'whole', headers: { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }, text };
};

const isStream = (body: object): body is AsyncIterable<Uint8Array> => Symbol.asyncIterator in body;

/**
 * Sends when the engine says that it begins to read, or begins to answer. An engine that refuses does so before, and its answer would be
 * lost behind a connection that broke in the middle of sending. One that says nothing for a second gets the bytes all the same.
 */
const sendWhenWanted = (outgoing: ClientRequest, bytes: AsyncIterable<Uint8Array>, onSourceFailure: (error: unknown) => void): void => {
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* bytes;
    } catch (error) {
      onSourceFailure(error);
      throw error;
    }
  }
  const send = () => {
    if (stopWaiting()) pipeline(watched, outgoing).catch(() => {});
  };
  const patience = setTimeout(send, 1_000);
  let waiting = true;
  /** Whether there was still something to wait for. */
  const stopWaiting = (): boolean => {
    const waited = waiting;
    waiting = false;
    clearTimeout(patience);
    return waited;
  };
  outgoing.once('continue', send);
  outgoing.once('response', (response) => {
    if (isGood(response)) send();
    else stopWaiting();
  });
  outgoing.once('close', stopWaiting);
};

const discard = (body: Call['body']): void => {
  if (body !== undefined && isDestroyable(body)) body.destroy();
};

const isDestroyable = (body: object): body is { destroy(): unknown } => 'destroy' in body && typeof body.destroy === 'function';

const queryString = (query: Readonly<Record<string, QueryValue>> = {}): string => {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (typeof value === 'object') for (const one of value) parameters.append(key, one);
    else if (value !== undefined) parameters.append(key, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
};
