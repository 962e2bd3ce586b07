import type { Clock } from '../lib/clock.ts';

export type DownloadOptions = {
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly body?: Uint8Array | string;
  readonly mostBytes: number;
  readonly signal: AbortSignal;
};

/** `denied`, `missing` and `refused` are the server's last word; `unreachable` has been tried again. */
export type Download =
  | { readonly kind: 'got'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' | 'denied' | 'refused' | 'too-large' | 'unreachable'; readonly reason: string };

export type Downloader = (url: URL, options: DownloadOptions) => Promise<Download>;

/** One request, whose redirect is an answer. Rejects with RefusedPlace for where nobody may be asked, and with what the network says. */
export type Ask = (url: URL, request: AskRequest) => Promise<Asked>;

export type AskRequest = {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly mostBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

/** `whole` false: there is more than was asked for. */
export type Asked = {
  readonly status: number;
  readonly bytes: Buffer;
  readonly whole: boolean;
  readonly location?: string;
  readonly retryAfter?: string;
};

/** Nothing is asked there, whoever says so. */
export class RefusedPlace extends Error {}

export type Patience = { readonly tries: number; readonly firstPauseMs: number; readonly timeoutMs: number };

const patient: Patience = { tries: 4, firstPauseMs: 500, timeoutMs: 120_000 };

/** Who wants to be left alone for longer is not waited for. */
const longestPauseMs = 60_000;
const mostRedirects = 5;

/**
 * HTTP with patience: what may be different a moment later (no connection, 408, 429, 5xx, a body that breaks off) is tried again after
 * a pause that doubles, or the one that the server asks for. Each redirect is asked as any other place; an `Authorization` does not follow one to another
 * host (atk-60).
 */
export const downloader = (clock: Clock, { tries, firstPauseMs, timeoutMs }: Patience = patient, ask: Ask = askAnywhere): Downloader => {
  const pause = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(ms, resolve);
      signal.addEventListener('abort', () => (cancel(), resolve()), { once: true });
    });
  return async (url, options) => {
    for (let attempt = 1; ; attempt++) {
      const { wantsMs = 0, ...answer } = await once(clock, ask, url, options, timeoutMs);
      options.signal.throwIfAborted();
      if (answer.kind !== 'unreachable' || attempt === tries || wantsMs > longestPauseMs) return answer;
      await pause(Math.max(firstPauseMs * 2 ** (attempt - 1), wantsMs), options.signal);
      options.signal.throwIfAborted();
    }
  };
};

/** `wantsMs`: for how long the server does not want to be asked. */
type Once = Download & { readonly wantsMs?: number };

const once = async (clock: Clock, ask: Ask, url: URL, options: DownloadOptions, timeoutMs: number): Promise<Once> => {
  const { headers = {}, method = 'GET', body, mostBytes, signal } = options;
  try {
    let place = url;
    for (let redirects = 0; ; redirects++) {
      const own = place.origin === url.origin ? headers : withoutLogin(headers);
      const asked = await ask(withoutUser(place), {
        method,
        headers: { ...basicOf(place), ...own },
        mostBytes,
        timeoutMs,
        signal,
        ...(body === undefined ? {} : { body }),
      });
      const { status, bytes, whole, location } = asked;
      if (status >= 300 && status < 400 && location !== undefined && method === 'GET') {
        const next = URL.parse(location, place.href);
        if (next === null || !/^https?:$/.test(next.protocol) || redirects === mostRedirects) {
          return { kind: 'refused', reason: `HTTP ${status}, it leads nowhere` };
        }
        if (place.protocol === 'https:' && next.protocol === 'http:')
          return { kind: 'refused', reason: `HTTP ${status}, it leads away from TLS` };
        place = next;
        continue;
      }
      if (status >= 200 && status < 300) {
        return whole ? { kind: 'got', bytes } : { kind: 'too-large', reason: `it is larger than ${mostBytes / 1024 / 1024} MiB` };
      }
      const text = bytes.subarray(0, 2000).toString('utf8').trim().split('\n')[0] ?? '';
      const reason = `HTTP ${status}${text === '' ? '' : `, ${text.slice(0, 200)}`}`;
      const wantsMs = status === 429 || status === 503 ? retryAfterMs(asked.retryAfter, clock.now()) : undefined;
      return { kind: kindOf(status), reason, ...(wantsMs === undefined ? {} : { wantsMs }) };
    }
  } catch (error) {
    return { kind: error instanceof RefusedPlace ? 'refused' : 'unreachable', reason: reasonOf(error) };
  }
};

/** Seconds, or a date. */
export const retryAfterMs = (text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
};

const withoutLogin = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));

const askAnywhere: Ask = async (url, { method, headers, body, mostBytes, timeoutMs, signal }) => {
  const response = await fetch(url, {
    method,
    headers,
    redirect: 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
  });
  const [location, retryAfter] = [response.headers.get('location'), response.headers.get('retry-after')];
  return {
    status: response.status,
    ...(await bodyOf(response, mostBytes)),
    ...(location === null ? {} : { location }),
    ...(retryAfter === null ? {} : { retryAfter }),
  };
};

const bodyOf = async (response: Response, most: number): Promise<{ readonly bytes: Buffer; readonly whole: boolean }> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > most) return { bytes: Buffer.concat(chunks).subarray(0, most), whole: false };
  }
  return { bytes: Buffer.concat(chunks), whole: true };
};

const kindOf = (status: number): 'missing' | 'denied' | 'refused' | 'unreachable' => {
  if (status === 404 || status === 410) return 'missing';
  if (status === 401 || status === 403) return 'denied';
  return status === 408 || status === 429 || status >= 500 ? 'unreachable' : 'refused';
};

/** Without what would log somebody in: for messages, too. */
export const withoutUser = (url: URL): URL => {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare;
};

const basicOf = ({ username, password }: URL): Record<string, string> => {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
};

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'it does not answer in time';
  return error.cause instanceof Error
    ? error.cause.message || ('code' in error.cause ? String(error.cause.code) : error.message)
    : error.message;
};
