import { once } from 'node:events';

/** Resolves when more may be written; rejects when the reader has left (`isReaderGone`). */
export const write = async (stream: NodeJS.WriteStream, bytes: Uint8Array | string): Promise<void> => {
  if (stream.destroyed) throw Object.assign(new Error('the reader has left'), { code: 'EPIPE' });
  if (!stream.write(bytes)) await once(stream, 'drain');
};

/** To stderr: that nobody reads it any more changes nothing of what is done, nor of how it ends. */
export const writeAside = (stderr: NodeJS.WriteStream, text: string): Promise<void> =>
  write(stderr, text).catch((error: unknown) => {
    if (!isReaderGone(error)) throw error;
  });

export const isReaderGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');

export const writeLines = (stream: NodeJS.WriteStream, lines: readonly string[]): Promise<void> =>
  write(stream, lines.map((line) => `${line}\n`).join(''));
