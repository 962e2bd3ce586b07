import type { Writable } from 'node:stream';

/** Writes to a stream; resolves when it has taken the bytes. */
export const writtenTo =
  (stream: Writable) =>
  (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      stream.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
