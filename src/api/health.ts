import { z } from 'zod';

/** `GET /healthz`. */
export const healthSchema = z.object({
  database: z.enum(['reachable', 'unreachable']),
  /** Of whom something was heard lately. */
  workers: z.int(),
});
