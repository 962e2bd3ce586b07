/** What an error of the wire means. `away`: it may work later. `lost`: the lease is another's. `stranger`: the server does not know this worker. */
export type Meaning = 'away' | 'lost' | 'stranger' | 'refused';

const awayCodes: ReadonlySet<string> = new Set([
  // The next process of this name may have the version that the server takes.
  'WORKER_PROTOCOL',
  'RESULTS_UNREACHABLE',
  'STORE_UNAVAILABLE',
  // The log is begun anew where the server's side ended.
  'LOG_OUT_OF_ORDER',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EPROTO',
  // Somebody may renew the certificate, and the next answer may come as it was given.
  'SERVER_UNVERIFIED',
  'ANSWER_ALTERED',
]);
const awayStatus: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

/** Of the place where the server keeps things: nothing that passes by itself. */
const finalCodes: ReadonlySet<string> = new Set(['NO_SPACE', 'RESULTS_DENIED', 'RESULTS_NO_CREDENTIALS', 'RESULTS_NO_BUCKET']);

export const meaningOf = (error: unknown): Meaning => {
  const chain = causesOf(error);
  if (chain.some(({ code }) => code === 'LEASE_LOST')) return 'lost';
  if (chain.some(({ code }) => finalCodes.has(code))) return 'refused';
  if (chain.some(({ code, status }) => awayCodes.has(code) || awayStatus.has(status))) return 'away';
  return chain.some(({ status }) => status === 401 || status === 403) ? 'stranger' : 'refused';
};

/** Nothing that this process does will be taken: it is no worker of the server, or of another version. */
export const isTurnedAway = (error: unknown): boolean =>
  meaningOf(error) === 'stranger' || causesOf(error).some(({ code }) => code === 'WORKER_PROTOCOL');

/** The server understood what it was told, and will never take it. */
export const isRefusal = (error: unknown): boolean =>
  meaningOf(error) === 'refused' &&
  causesOf(error).some(({ code, status }) => (status >= 400 && status < 500) || code === 'WORKER_REPORT_INVALID');

export const textOf = (error: unknown): string => (error instanceof Error ? error.message || error.name : String(error));

/** An error and what it came from. */
const causesOf = (error: unknown, depth = 4): readonly { readonly code: string; readonly status: number }[] => {
  if (!(error instanceof Error) || depth === 0) return [];
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const status = 'status' in error && typeof error.status === 'number' ? error.status : 0;
  return [{ code, status }, ...causesOf(error.cause, depth - 1)];
};
