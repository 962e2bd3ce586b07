import { z } from 'zod';

/** The last entries of a backup. */
export const manifestPath = 'manifest.json';
export const sealPath = 'manifest.seal.json';

const entry = z.object({ path: z.string(), bytes: z.number(), sha256: z.string() });

/** All that is in a backup, in its order. `schema`: the migrations that its database had. */
export const manifestShape = z.object({
  format: z.literal(1),
  at: z.number(),
  schema: z.array(z.object({ number: z.number(), checksum: z.string() })).readonly(),
  tables: z
    .array(z.object({ name: z.string(), columns: z.array(z.object({ name: z.string(), type: z.string() })).readonly(), rows: z.number() }))
    .readonly(),
  entries: z.array(entry).readonly(),
});

export const sealShape = z.object({ key: z.string(), mac: z.string() });

export type Manifest = z.infer<typeof manifestShape>;
export type BackupEntry = z.infer<typeof entry>;
