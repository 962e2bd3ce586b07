import { z } from 'zod';

/** What is asked to be done. */

const text = z.string().min(1).max(1024);
const node = z.string().min(1).max(1024);

/** At most one of `branch` and `tag`; without `commit` the newest there, without any of them that of the default branch. */
export const beginSchema = z
  .strictObject({
    /** A full hash. */
    commit: z
      .string()
      .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'a commit is named by its full hash')
      .exactOptional(),
    branch: text.exactOptional(),
    tag: text.exactOptional(),
    pipeline: text.exactOptional(),
    target: text.exactOptional(),
    /** Only these and what they need. */
    stages: z.array(node).min(1).max(1000).exactOptional(),
    variables: z.record(z.string().regex(/^[A-Za-z_]\w*$/, 'that is no name of a variable'), z.string().max(64 * 1024)).exactOptional(),
    /** Two requests with the same make one run. */
    once: text.exactOptional(),
  })
  .refine(({ branch, tag }) => branch === undefined || tag === undefined, { message: 'a run is of one branch or tag' });
export type BeginJson = z.input<typeof beginSchema>;

export const begunSchema = z.object({ kind: z.enum(['created', 'exists']), run: z.string(), number: z.int() });

/** `force`: containers are killed, and what cleans up does not run. */
export const cancelSchema = z.strictObject({ force: z.boolean().default(false) });

export const rerunSchema = z.strictObject({ which: z.enum(['all', 'failed']) });
/** `stages`: what gets another attempt; none when all have passed. */
export const rerunAnswerSchema = z.object({ stages: z.array(z.string()).readonly() });

/** `digest` of the plan and `openedAt` of the gate, as the run's document has them: a decision counts for what was seen alone. */
export const decideSchema = z.strictObject({
  decision: z.enum(['approved', 'rejected']),
  reason: z.string().max(4096).exactOptional(),
  digest: text,
  openedAt: z.number(),
});

/** For a run that waits for approval. `commit`: the one that was looked at, as the run's document has it. */
export const approvalSchema = z.strictObject({
  decision: z.enum(['approved', 'rejected']),
  reason: z.string().max(4096).exactOptional(),
  commit: text,
});

/** `run`: the number of the run whose release it shall be; absent: that before what is there now. */
export const rollbackSchema = z.strictObject({ run: z.int().positive().exactOptional(), once: text.exactOptional() });
/** `from`: the number of the run whose release runs again. */
export const rolledBackSchema = begunSchema.extend({ from: z.int() });

export const actedSchema = z.object({ lastSeq: z.int() });
