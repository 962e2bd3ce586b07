/** What one client may cost. Bytes and milliseconds. */
export type HttpLimits = {
  /** Of a JSON body, where the route says nothing else. */
  readonly bodyBytes: number;
  /** Of the facts of a worker: the files of an attempt are listed in them. */
  readonly reportBytes: number;
  /** Of files that a worker sends in one go. */
  readonly uploadBytes: number;
  /** Of the log of one attempt. */
  readonly logBytes: number;
  /** Of a stdout that other stages are given. */
  readonly outputBytes: number;
  /** For the headers of a request, and for a JSON body. */
  readonly headersMs: number;
  readonly bodyMs: number;
  /** A connection on which nothing moves for so long is cut. */
  readonly idleMs: number;
  /** The same while the server works on what a worker has sent whole, or a worker follows a log. */
  readonly workMs: number;
  /** Something is said on streams that are quiet, so that nobody on the way cuts them. */
  readonly heartbeatMs: number;
  /** Requests of one address in a minute; those of workers are counted apart. */
  readonly requestsPerMinute: number;
  readonly workerRequestsPerMinute: number;
  /** Open at a time, of all clients, and of one address. */
  readonly streams: number;
  readonly streamsPerAddress: number;
  /** Of a log that live readers share: who is behind reads from the results. */
  readonly ringBytes: number;
  /** A log that nobody appends to for so long is closed until somebody does. */
  readonly logIdleMs: number;
};

const mib = 1024 * 1024;
const gib = 1024 * mib;

export const defaultLimits: HttpLimits = {
  bodyBytes: 256 * 1024,
  reportBytes: 32 * mib,
  uploadBytes: 32 * gib,
  logBytes: 8 * gib,
  outputBytes: 64 * mib,
  headersMs: 10_000,
  bodyMs: 20_000,
  idleMs: 75_000,
  workMs: 600_000,
  heartbeatMs: 15_000,
  requestsPerMinute: 1200,
  workerRequestsPerMinute: 60_000,
  streams: 4000,
  streamsPerAddress: 200,
  ringBytes: mib,
  logIdleMs: 300_000,
};
