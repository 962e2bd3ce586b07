import { z } from 'zod';

/** What a forge or a git server told of a project, and what became of it. Times are epoch ms. */
export const deliveryRow = z.object({
  /** The sender's own, or the digest of its bytes. */
  id: z.string(),
  forge: z.enum(['github', 'gitlab', 'gitea', 'git']),
  /** As the forge calls it. */
  event: z.string(),
  at: z.number(),
  tries: z.int(),
  /** Absent: it waits. `numbers`: of those `runs` that are still there. */
  result: z
    .object({
      kind: z.enum(['done', 'ignored', 'refused', 'given-up']),
      note: z.string(),
      runs: z.array(z.string()).readonly(),
      numbers: z.array(z.int()).readonly(),
      at: z.number(),
    })
    .exactOptional(),
});
export type DeliveryJson = z.output<typeof deliveryRow>;
