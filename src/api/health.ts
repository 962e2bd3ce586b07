import { z } from 'zod';

/** `GET /healthz`. */
export const healthSchema = z.object({
  database: z.enum(['reachable', 'unreachable']),
  /** The place of the results, as it was found last. While it is away, what is to be kept waits. */
  results: z.enum(['reachable', 'unreachable']),
  /** Of whom something was heard lately. */
  workers: z.int(),
});
