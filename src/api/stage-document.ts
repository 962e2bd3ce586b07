import { z } from 'zod';
import { imageSchema, outcomeSchema } from './run-schemas.ts';

const time = z.iso.datetime({ offset: true });
const path = z.string().max(4096).nullable();

/**
 * What is posted to `/dockercise/run/<runId>/<stage>.json` (R-DCK-96 … 101): with `name` and `started` when a stage begins, with all of it when it
 * has ended. `outcome` and what follows it are ours and may be left out.
 */
export const stageDocumentSchema = z
  .object({
    name: z.string().min(1).max(1024),
    started: time,
    finished: time.exactOptional(),
    status: z.enum(['winning', 'like-a-chump']).exactOptional(),
    logs: path.exactOptional(),
    artefact: path.exactOptional(),
    attempt: z.int().positive().exactOptional(),
    outcome: outcomeSchema.exactOptional(),
    exitCode: z.int().exactOptional(),
    message: z
      .string()
      .max(64 * 1024)
      .exactOptional(),
    image: imageSchema.exactOptional(),
    container: z.string().max(1024).exactOptional(),
  })
  .refine(({ finished, status }) => (finished === undefined) === (status === undefined), {
    message: 'a stage that has ended has both `finished` and `status`, one that has begun has neither',
  })
  .refine(({ status, outcome }) => outcome === undefined || (status === 'winning') === (outcome === 'passed'), {
    message: '`status` is winning when `outcome` is passed, and like-a-chump otherwise',
  });

export type PostedDocument = z.output<typeof stageDocumentSchema>;
