import { lookup as dnsLookup } from 'node:dns/promises';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import type { AllowedAddresses } from './allowed-addresses.ts';
import { OutgoingError } from './outgoing-error.ts';

/**
 * One HTTP request to an address that a user of the server chose. Only http and https, without a login in the address; never to an address
 * that is not allowed: names are resolved once, all that they resolve to is looked at, and the connection goes to that (atk-67). A redirect is an answer
 * and is not followed. Rejects with OutgoingError.
 */
export type Outgoing = (request: OutgoingRequest) => Promise<OutgoingAnswer>;

export type OutgoingRequest = {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of the answer. */
  readonly limitBytes: number;
  /** For all of it. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
};

export type OutgoingAnswer = { readonly status: number; readonly body: Buffer; readonly location?: string; readonly retryAfter?: string };

export type OutgoingDeps = {
  readonly allowed: AllowedAddresses;
  readonly clock: Clock;
  /** Absent: as the machine does. */
  readonly resolve?: (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;
};

export const outgoing =
  ({ allowed, clock, resolve = (host) => dnsLookup(host, { all: true }) }: OutgoingDeps): Outgoing =>
  async ({ method, url, headers, body, limitBytes, timeoutMs, signal }) => {
    const target = targetOf(url);
    const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(host) !== 0 && !allowed.address(host)) throw refused(host);
    const over = new AbortController();
    const stop = clock.after(timeoutMs, () => over.abort(new OutgoingError('OUTSIDE_UNREACHABLE', `${host} did not answer in time`)));
    try {
      const answer = await new Promise<IncomingMessage>((done, failed) => {
        (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, {
          method,
          agent: false,
          signal: signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]),
          lookup: checkedLookup(allowed, resolve),
          headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
        })
          .once('response', done)
          .once('error', failed)
          .end(body);
      });
      const { location, 'retry-after': retryAfter } = answer.headers;
      return {
        status: answer.statusCode ?? 0,
        body: await read(answer, host, limitBytes),
        ...(location === undefined ? {} : { location }),
        ...(retryAfter === undefined ? {} : { retryAfter }),
      };
    } catch (error) {
      if (over.signal.aborted) throw over.signal.reason;
      if (error instanceof OutgoingError) throw error;
      const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
      throw new OutgoingError('OUTSIDE_UNREACHABLE', `${host} cannot be reached${code}`, { cause: error });
    } finally {
      stop();
    }
  };

/** Throws OutgoingError for what is no plain web address. */
export const targetOf = (url: string): URL => {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target === undefined || !/^https?:$/.test(target.protocol)) {
    throw new OutgoingError('ADDRESS_REFUSED', 'an address begins with http:// or https://');
  }
  if (target.username !== '' || target.password !== '') {
    throw new OutgoingError('ADDRESS_REFUSED', 'an address has no login in it');
  }
  return target;
};

const refused = (host: string): OutgoingError =>
  new OutgoingError('ADDRESS_REFUSED', `${host} is not on the public internet, and the operator of this server has not allowed it`);

const checkedLookup =
  (allowed: AllowedAddresses, resolve: NonNullable<OutgoingDeps['resolve']>): LookupFunction =>
  (host, options, callback) => {
    resolve(host).then(
      (found) => {
        const [first] = found;
        if (first === undefined) return callback(new OutgoingError('OUTSIDE_UNREACHABLE', `${host} has no address`), '');
        if (!allowed.name(host) && !found.every(({ address }) => allowed.address(address))) return callback(refused(host), '');
        if (options.all) return callback(null, [...found]);
        return callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    );
  };

const read = async (answer: IncomingMessage, host: string, limitBytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw new OutgoingError('OUTSIDE_TOO_LARGE', `${host} answers with more than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
