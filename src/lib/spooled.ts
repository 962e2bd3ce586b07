import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** Bytes that were read to their end before anybody else sees them: their SHA-256, in hexadecimal digits, and how many they are. */
export type Spooled = { readonly digest: string; readonly bytes: number; read(): Readable };

/** Reads the stream into a file of the folder, which is gone when the work has ended. */
export const spooled = async <T>(folder: string, stream: Readable, work: (spooled: Spooled) => Promise<T>): Promise<T> => {
  const path = join(folder, `.${randomUUID()}.tmp`);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        hash.update(chunk);
        bytes += chunk.byteLength;
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    return await work({ digest: hash.digest('hex'), bytes, read: () => createReadStream(path) });
  } finally {
    stream.destroy();
    await rm(path, { force: true });
  }
};
