import { z } from 'zod';

/** How long what of a run took, and what it used. Times are epoch ms, durations ms; what has not happened is absent. */

const at = z.number();
const ms = z.number().nonnegative();
const count = z.int().nonnegative();

export const stepMetricsSchema = z.object({
  step: z.string(),
  startedAt: at,
  finishedAt: at.exactOptional(),
  durationMs: ms.exactOptional(),
  outcome: z.string().exactOptional(),
});

/** Of one attempt. */
export const stageMetricsSchema = z.object({
  stage: z.string(),
  attempt: z.int().positive(),
  outcome: z.string().exactOptional(),
  worker: z.string().exactOptional(),
  queuedAt: at,
  startedAt: at.exactOptional(),
  finishedAt: at.exactOptional(),
  /** Until a worker took it. */
  queuedMs: ms.exactOptional(),
  /** Images, services, volumes. */
  preparingMs: ms.exactOptional(),
  /** Its command. */
  runningMs: ms.exactOptional(),
  outputBytes: count,
  artifactBytes: count,
  volumeBytes: count,
  /** Its image was not there yet. */
  isPulled: z.boolean(),
  steps: z.array(stepMetricsSchema).readonly(),
});

export const runMetricsSchema = z.object({
  run: z.string(),
  number: z.int(),
  outcome: z.string().exactOptional(),
  createdAt: at,
  startedAt: at.exactOptional(),
  finishedAt: at.exactOptional(),
  durationMs: ms.exactOptional(),
  usage: z.object({
    attempts: count,
    /** The sum of what its commands took: what workers were busy for. */
    containerMs: ms,
    sourceBytes: count,
    outputBytes: count,
    artifactBytes: count,
    volumeBytes: count,
    imagesPulled: count,
  }),
  stages: z.array(stageMetricsSchema).readonly(),
});

export type RunMetrics = z.output<typeof runMetricsSchema>;
export type StageMetrics = z.output<typeof stageMetricsSchema>;
