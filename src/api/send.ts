import { type Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { apiErrorOf } from './api-error.ts';
import { unverified } from './unverified-error.ts';

export type Sending = {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly type: string; readonly content: Uint8Array | string | Readable };
  readonly signal?: AbortSignal;
};

/** What was to be sent broke off: not the server's fault. */
export class BodyError extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'BodyError';
  }
}

/** The answer when it is a good one, its body not read yet. Rejects with ApiError, with UnverifiedError, or with what the network says. */
export type Send = (sending: Sending) => Promise<IncomingMessage>;

/**
 * Requests over node:http, which streams in both directions with back-pressure, at half the cost of `fetch`. A body that breaks off breaks off the
 * request; an answer that comes before the body is sent ends the sending.
 */
export const sender = (url: string, token: string, agent: Agent | undefined): Send => {
  const base = new URL(url);
  const request = base.protocol === 'https:' ? httpsRequest : httpRequest;
  return async ({ method, path, headers = {}, body, signal }) => {
    const { answer, sent } = await new Promise<{ readonly answer: IncomingMessage; readonly sent: ClientRequest }>((resolve, reject) => {
      const sent = request(new URL(path, base), {
        method,
        headers: { authorization: `Bearer ${token}`, ...headers, ...(body === undefined ? {} : bodyHeaders(body)) },
        ...(agent === undefined ? {} : { agent }),
        rejectUnauthorized: true,
        ...(signal === undefined ? {} : { signal }),
      });
      sent.on('response', (answer) => resolve({ answer, sent })).on('error', (error) => reject(unverified(url, error) ?? error));
      if (body === undefined) sent.end();
      else if (typeof body.content === 'string' || body.content instanceof Uint8Array) sent.end(body.content);
      else {
        body.content.once('error', (error) => reject(new BodyError(error)));
        pipeline(body.content, sent).catch(reject);
      }
    });
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    const refusal = apiErrorOf(status, await text(answer).catch(() => ''));
    sent.destroy();
    throw refusal;
  };
};

const bodyHeaders = ({ type, content }: NonNullable<Sending['body']>): Readonly<Record<string, string | number>> => ({
  'content-type': type,
  ...(typeof content === 'string' || content instanceof Uint8Array ? { 'content-length': Buffer.byteLength(content) } : {}),
});
