import { z } from 'zod';

/**
 * `…/log/<stage>/stream`: events `log`, each with the id of the byte after it, then `end` when the attempt has ended; `id` of the last to go on.
 * `bytes` is base64, for a log is bytes.
 */
export const logPieceSchema = z.object({ stream: z.enum(['stdout', 'stderr']), at: z.number(), bytes: z.base64() });

/** `attempt` absent: the newest. `part`: not the stage's own log, but that of its `done`. */
export const logQuerySchema = z.object({
  from: z.coerce.number().int().nonnegative().default(0),
  attempt: z.coerce.number().int().positive().exactOptional(),
  part: z.literal('done').exactOptional(),
});
/** `until`: `end` waits for the end of the attempt, `now` ends with what is there. */
export const logStreamQuerySchema = logQuerySchema.extend({ until: z.enum(['end', 'now']).default('end') });
