import type { z } from 'zod';
import type { ForgeAccess } from './forge-api.ts';
import { ForgeError } from './forge-error.ts';

/**
 * Asks one forge, and nobody else: what is asked for is a path below its address, and redirects are not followed (atk-67). Nothing that was sent or answered
 * gets into an error (atk-59). Rejects with ForgeError.
 */
export type ForgeHttp = {
  /** `purpose` completes "could not …". */
  ask<T>(question: Question, shape: z.ZodType<T>): Promise<T>;
  /** For what has no answer that matters. */
  tell(question: Question): Promise<void>;
  /** All pages, each of `size`. */
  pages<T>(
    question: Question,
    size: { readonly name: string; readonly count: number },
    shape: z.ZodType<readonly T[]>,
  ): Promise<readonly T[]>;
};

export type Question = {
  readonly purpose: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Begins with `/`; what stands in it was encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
};

const answerMs = 15_000;
const longestAnswer = 16 * 1024 * 1024;
const mostPages = 50;

export const forgeHttp = ({ url, token, clock }: ForgeAccess): ForgeHttp => {
  const base = new URL(url);
  const host = base.host;

  const send = async ({ purpose, method, path, query = {}, body }: Question): Promise<Buffer> => {
    const stop = new AbortController();
    const cancel = clock.after(answerMs, () => stop.abort());
    try {
      const response = await fetch(addressOf(base, path, query), {
        method,
        redirect: 'manual',
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${token}`,
          'user-agent': 'cion',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: stop.signal,
      });
      if (!response.ok) {
        await response.body?.cancel();
        throw refusedBy(host, purpose, response);
      }
      return await read(response, host, purpose);
    } catch (error) {
      if (error instanceof ForgeError) throw error;
      const why = stop.signal.aborted ? `it did not answer within ${answerMs / 1000} s` : reasonOf(error);
      throw new ForgeError('FORGE_UNREACHABLE', `${host} could not ${purpose}: ${why}.`);
    } finally {
      cancel();
    }
  };

  const ask: ForgeHttp['ask'] = async (question, shape) => {
    const bytes = await send(question);
    try {
      return shape.parse(JSON.parse(bytes.toString('utf8')));
    } catch {
      throw new ForgeError('FORGE_FAILED', `${host} could not ${question.purpose}: its answer is not what its API promises.`);
    }
  };

  return {
    ask,
    tell: async (question) => void (await send(question)),
    pages: async (question, size, shape) => {
      const all = [];
      for (let page = 1; page <= mostPages; page++) {
        const query = { ...question.query, [size.name]: String(size.count), page: String(page) };
        const found = await ask({ ...question, query }, shape);
        all.push(...found);
        if (found.length < size.count) break;
      }
      return all;
    },
  };
};

const addressOf = (base: URL, path: string, query: Readonly<Record<string, string>>): URL => {
  const address = new URL(base);
  address.pathname = `${base.pathname.replace(/\/$/, '')}${path}`;
  address.search = new URLSearchParams(query).toString();
  return address;
};

const read = async (response: Response, host: string, purpose: string): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > longestAnswer) throw new ForgeError('FORGE_FAILED', `${host} could not ${purpose}: its answer is too long.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

const refusedBy = (host: string, purpose: string, { status, headers }: Response): ForgeError => {
  const message = `${host} could not ${purpose}: it answers ${status}`;
  if (status >= 300 && status < 400) return new ForgeError('FORGE_REFUSED', `${message}, a redirect, which is not followed.`);
  if (status === 404 || status === 410) return new ForgeError('FORGE_NOT_FOUND', `${message}.`);
  const isBusy = status === 429 || (status === 403 && (headers.has('retry-after') || headers.get('x-ratelimit-remaining') === '0'));
  if (isBusy) return new ForgeError('FORGE_BUSY', `${message}: too many requests.`, waitOf(headers));
  if (status >= 500 || status === 408) return new ForgeError('FORGE_FAILED', `${message}.`);
  return new ForgeError('FORGE_REFUSED', status === 401 ? `${message}: the login is not valid any more.` : `${message}.`);
};

const waitOf = (headers: Headers): { readonly retryAfterMs?: number } => {
  const text = headers.get('retry-after') ?? '';
  return /^\d{1,6}$/.test(text) ? { retryAfterMs: Number(text) * 1000 } : {};
};

const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? `it cannot be reached (${String(cause.code)})` : 'it cannot be reached';
};
