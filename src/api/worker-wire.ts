import { z } from 'zod';
import { artifactRefSchema, stageSummarySchema, workerFactSchema } from './run-schemas.ts';
import type { ClaimAnswer, Lease } from './worker-protocol.ts';

/** The routes of workers: two verbs, and the ways of the bytes, each of these with the lease in its headers. */
export const workerPaths = {
  claim: '/api/worker/claim',
  report: '/api/worker/report',
  beginLog: '/api/worker/log/begin',
  /** Frames (log-frames.ts) in both directions. */
  log: '/api/worker/log',
  closeLog: '/api/worker/log/close',
  artifacts: '/api/worker/artifacts',
  finish: '/api/worker/finish',
  object: '/api/worker/object',
  trees: '/api/worker/trees',
  cache: '/api/worker/cache',
  outputs: '/api/worker/outputs',
  /** Whether bytes may go past the server, and then each way of theirs (direct-bytes.ts). */
  direct: '/api/worker/direct',
  directRead: '/api/worker/direct/read',
  directBegin: '/api/worker/direct/begin',
  directKeep: '/api/worker/direct/keep',
} as const;

/** No request waits longer: what stands between worker and server may end connections that are silent for a minute. */
export const longestWaitMs = 50_000;

/** Of one request with frames of a log. */
export const maxLogBatchBytes = 4 * 1024 * 1024;

const id = z.string().min(1).max(2048);
const waitMs = z.int().nonnegative();

export const claimRequestSchema = z.object({
  worker: id,
  labels: z.array(z.string().max(256)).max(256),
  slots: z.int().nonnegative().max(10_000),
  waitMs,
  fresh: z.boolean(),
  holds: z.array(id).max(10_000).optional(),
  keeps: z.array(id).max(100_000).exactOptional(),
});

/** Has secrets, and is made by the dispatcher alone: it goes as it is. */
export const claimAnswerSchema = z.custom<ClaimAnswer>();

export const reportRequestSchema = z.object({
  worker: id,
  waitMs,
  items: z
    .array(
      z.object({
        item: id,
        token: z.int().nonnegative(),
        sequence: z.int().nonnegative(),
        facts: z.array(workerFactSchema).max(10_000),
        giveBack: z.literal(true).exactOptional(),
      }),
    )
    .max(10_000),
});

export const reportAnswerSchema = z.object({
  items: z
    .array(
      z.discriminatedUnion('kind', [
        z.object({ item: z.string(), kind: z.literal('held'), cancel: z.enum(['no', 'stop', 'force']) }),
        z.object({ item: z.string(), kind: z.literal('lost') }),
      ]),
    )
    .readonly(),
  over: z.array(z.string()).readonly().optional(),
});

/** Beside the token, which may not stand for a worker yet. */
export const workerHeader = 'cion-worker';

/**
 * Which protocol a worker speaks, in each of its requests. It grows by one whenever a worker of before would misunderstand a server of now, or the other way
 * round; a server takes those that it names, so that workers are upgraded after it, one by one.
 */
export const protocolHeader = 'cion-worker-protocol';
export const workerProtocol = 1;
export const protocolsTaken: readonly number[] = [workerProtocol];

/** Names of stages are any text, headers are not. */
export const leaseHeaders = ({ item, token }: Pick<Lease, 'item' | 'token'>): Readonly<Record<string, string>> => ({
  'cion-item': encodeURIComponent(item),
  'cion-token': String(token),
});

export const leaseHeadersSchema = z.object({
  'cion-item': z.string().max(8192),
  'cion-token': z.string().regex(/^\d{1,16}$/),
});

const part = z.literal('done').exactOptional();

export const beginLogSchema = z.object({ startedAt: z.number().nonnegative(), part });
export const logPartSchema = z.object({ part });
export const logPositionSchema = z.object({ position: z.object({ stdout: z.int(), stderr: z.int() }) });
export const readLogQuerySchema = z.object({
  from: z.coerce.number().int().nonnegative(),
  follow: z.enum(['0', '1']),
  attempt: z.coerce.number().int().positive().exactOptional(),
  part,
});
export const artifactsQuerySchema = z.object({ part: z.literal('steps').exactOptional() });
export const artifactsAnswerSchema = z.object({ artifacts: artifactRefSchema.exactOptional() });
export const finishSchema = z.object({ summary: stageSummarySchema });
export const objectQuerySchema = z.object({ name: z.string().min(1).max(2048) });
export const treeQuerySchema = z.object({ digest: z.string().max(128) });
export const treeAnswerSchema = z.object({ digest: z.string(), bytes: z.int() });
export const cacheQuerySchema = z.object({ key: z.string().min(1).max(4096) });
export const saveCacheQuerySchema = cacheQuerySchema.extend({ limit: z.coerce.number().nonnegative() });
export const saveCacheAnswerSchema = z.object({ result: z.enum(['saved', 'too-large', 'empty']) });
export const outputQuerySchema = z.object({ stage: z.string().min(1).max(1024) });
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const uploadAs = z.discriminatedUnion('kind', [
  /** Its digest is that of the upload. */
  z.object({ kind: z.literal('tree') }),
  z.object({ kind: z.literal('artifacts'), part: z.literal('steps').exactOptional() }),
  z.object({ kind: z.literal('cache'), key: z.string().min(1).max(4096) }),
]);
export type DirectAs = z.output<typeof uploadAs>;
const address = z.object({ url: z.string(), headers: z.record(z.string(), z.string()), until: z.number() });
export const directAnswerSchema = z.object({ isDirect: z.boolean() });
export const directReadSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('tree'), digest: z.string().max(128) }),
  z.object({ kind: z.literal('cache'), key: z.string().min(1).max(4096) }),
]);
/** Absent: there is nothing. */
export const directReadAnswerSchema = z.object({ address: address.exactOptional() });
export const directBeginSchema = z.object({ as: uploadAs, bytes: z.int().nonnegative(), sha256: digest });
/** `there`: it is kept already, and nothing is to be sent. */
export const directBeginAnswerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('there') }),
  z.object({ kind: z.literal('upload'), id: z.string(), address }),
]);
export const directKeepSchema = z.object({ as: uploadAs, id: z.string().max(256), sha256: digest });
/** `gone`: nothing is there to be kept, not any more or not yet. */
export const directKeepAnswerSchema = z.object({ result: z.enum(['kept', 'gone']) });

export const doneSchema = z.object({ ok: z.literal(true) });
