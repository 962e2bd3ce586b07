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

export type Patience = { readonly tries: number; readonly firstPauseMs: number; readonly timeoutMs: number };

const patient: Patience = { tries: 4, firstPauseMs: 500, timeoutMs: 120_000 };

/**
 * HTTP with patience: what may be different a moment later (no connection, 408, 429, 5xx, a body that breaks off) is tried again after
 * a pause that doubles. An `Authorization` does not follow a redirect to another host.
 */
export const downloader = (clock: Clock, { tries, firstPauseMs, timeoutMs }: Patience = patient): Downloader => {
  const pause = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(ms, resolve);
      signal.addEventListener('abort', () => (cancel(), resolve()), { once: true });
    });
  return async (url, options) => {
    for (let attempt = 1; ; attempt++) {
      const answer = await once(url, options, timeoutMs);
      options.signal.throwIfAborted();
      if (answer.kind !== 'unreachable' || attempt === tries) return answer;
      await pause(firstPauseMs * 2 ** (attempt - 1), options.signal);
      options.signal.throwIfAborted();
    }
  };
};

const once = async (url: URL, options: DownloadOptions, timeoutMs: number): Promise<Download> => {
  const { headers = {}, method = 'GET', body, mostBytes, signal } = options;
  const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    const response = await fetch(withoutUser(url), {
      method,
      headers: { ...basicOf(url), ...headers },
      signal: until,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
    });
    if (!response.ok) {
      const text = (await bodyOf(response, 2000)).bytes.toString('utf8').trim().split('\n')[0] ?? '';
      return { kind: kindOf(response.status), reason: `HTTP ${response.status}${text === '' ? '' : `, ${text.slice(0, 200)}`}` };
    }
    const { bytes, whole } = await bodyOf(response, mostBytes);
    return whole ? { kind: 'got', bytes } : { kind: 'too-large', reason: `it is larger than ${mostBytes / 1024 / 1024} MiB` };
  } catch (error) {
    return { kind: 'unreachable', reason: reasonOf(error) };
  }
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
