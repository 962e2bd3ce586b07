import { z } from 'zod';

/** The parts of runs as they are on the wire: the same shapes as in run/, so that each side reads them as its own. */

const text = z.string().max(64 * 1024);
const name = z.string().min(1).max(1024);
const digest = z.string().max(128);
/** Trees go by the bare digits. */
const treeDigest = z.string().regex(/^(?:sha256:)?[0-9a-f]{64}$/);
const count = z.int().nonnegative();
const at = z.number().nonnegative();

export const outcomeSchema = z.enum(['passed', 'failed', 'errored', 'cancelled', 'skipped']);
export const phaseSchema = z.enum(['queued', 'running', 'waiting', 'finished']);

const causeRest = {
  part: z.literal('done').exactOptional(),
  step: z.object({ id: name, name, message: text.exactOptional() }).exactOptional(),
};

const timeoutCause = z.object({ kind: z.literal('timeout'), limit: z.enum(['total', 'silent']), ms: z.number(), ...causeRest });

export const causeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('exit'), code: z.int(), ...causeRest }),
  z.object({ kind: z.literal('signal'), signal: z.string().max(100), ...causeRest }),
  z.object({ kind: z.literal('oom'), ...causeRest }),
  timeoutCause,
  z.object({ kind: z.literal('error'), code: z.string().max(100), message: text, ...causeRest }),
  z.object({ kind: z.literal('cancelled'), ...causeRest }),
]);

export const skipCauseSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('need'), node: name, outcome: outcomeSchema }),
  z.object({ kind: z.literal('condition'), node: name, outcome: outcomeSchema }),
  z.object({ kind: z.literal('cancelled') }),
  z.object({ kind: z.literal('stopped'), node: name }),
  z.object({ kind: z.literal('not-selected') }),
]);

export const outputRefSchema = z.object({ bytes: count, digest });

export const artifactRefSchema = z.object({
  key: name,
  bytes: count,
  files: z
    .array(
      z.object({
        path: z.string().max(64 * 1024),
        bytes: count,
        mode: z.int(),
        digest: digest.exactOptional(),
        target: z
          .string()
          .max(64 * 1024)
          .exactOptional(),
      }),
    )
    .readonly(),
});

export const imageSchema = z.object({ reference: z.string().max(4096), digest });

const ofAttempt = { stage: name, attempt: z.int().positive() };
const stepOutcome = z.enum(['passed', 'failed', 'errored', 'cancelled']);
const numbers = z.record(z.string().max(1024), text);
const logPosition = z.object({ stdout: count, stderr: count });

/** What a worker may say. See WorkerFact. */
export const workerFactSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('stage.preparing'), ...ofAttempt, worker: name.exactOptional() }),
  z.object({
    kind: z.literal('image.resolved'),
    ...ofAttempt,
    ...imageSchema.shape,
    pulled: z.boolean(),
    ofRegistry: z.literal(true).exactOptional(),
  }),
  z.object({ kind: z.literal('stage.started'), ...ofAttempt, container: name }),
  z.object({ kind: z.literal('stage.done-started'), ...ofAttempt, container: name, output: outputRefSchema.exactOptional() }),
  z.object({ kind: z.literal('step.started'), ...ofAttempt, step: name, log: logPosition }),
  z.object({
    kind: z.literal('step.finished'),
    ...ofAttempt,
    step: name,
    outcome: stepOutcome,
    exitCode: z.int().exactOptional(),
    cause: timeoutCause.exactOptional(),
    message: text.exactOptional(),
    numbers: numbers.exactOptional(),
    image: imageSchema.exactOptional(),
  }),
  z.object({ kind: z.literal('stage.noted'), ...ofAttempt, text, aside: z.literal(true).exactOptional() }),
  z.object({ kind: z.literal('volume.kept'), ...ofAttempt, volume: name, tree: treeDigest, bytes: count }),
  z.object({
    kind: z.literal('stage.finished'),
    ...ofAttempt,
    outcome: stepOutcome,
    cause: causeSchema.exactOptional(),
    output: outputRefSchema.exactOptional(),
    artifacts: artifactRefSchema.exactOptional(),
    stepArtifacts: artifactRefSchema.exactOptional(),
    tree: z.object({ volume: name, directory: z.string().max(4096).exactOptional() }).exactOptional(),
    image: imageSchema.exactOptional(),
  }),
]);

export const stageSummarySchema = z.object({
  outcome: outcomeSchema,
  startedAt: at,
  finishedAt: at,
  exitCode: z.int().exactOptional(),
  message: text.exactOptional(),
  image: imageSchema.exactOptional(),
  container: name.exactOptional(),
  hasLog: z.boolean(),
  hasArtifacts: z.boolean(),
});

export const triggerSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('manual'),
    by: z.string(),
    from: z.string().exactOptional(),
    fromNumber: z.int().exactOptional(),
    ref: z.string().exactOptional(),
  }),
  z.object({ kind: z.enum(['push', 'tag']), by: z.string(), actor: z.string().exactOptional(), ref: z.string() }),
  z.object({
    kind: z.literal('pull-request'),
    by: z.string(),
    actor: z.string().exactOptional(),
    number: z.int(),
    ref: z.string(),
    fork: z.boolean(),
    authors: z.array(z.string()).readonly().exactOptional(),
  }),
  z.object({ kind: z.literal('schedule'), by: z.string(), schedule: z.string(), at }),
  z.object({ kind: z.literal('package'), by: z.string(), package: z.string(), oldVersion: z.string(), newVersion: z.string() }),
  z.object({ kind: z.literal('pipeline'), by: z.string(), pipeline: z.string(), run: z.string() }),
]);

export const stepStateSchema = z.object({
  id: z.string(),
  phase: z.enum(['running', 'finished']),
  outcome: stepOutcome.exactOptional(),
  exitCode: z.int().exactOptional(),
  cause: timeoutCause.exactOptional(),
  message: z.string().exactOptional(),
  numbers: numbers.exactOptional(),
  startedAt: at,
  finishedAt: at.exactOptional(),
  log: logPosition,
  image: imageSchema.exactOptional(),
});
