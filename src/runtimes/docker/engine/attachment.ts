import type { Duplex } from 'node:stream';
import { demux } from './demux.ts';
import type { Attachment, OutputChunk } from './engine.ts';
import { lost } from './failures.ts';

export const attachmentOf = (name: string, connection: Duplex, head: Buffer, signal: AbortSignal | undefined, tty: boolean): Attachment => {
  let closed = false;
  const close = () => {
    closed = true;
    connection.destroy();
  };
  const abort = () => connection.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted === true) abort();
  connection.on('close', () => signal?.removeEventListener('abort', abort));
  if (head.length > 0) connection.unshift(head);

  async function* output(): AsyncGenerator<OutputChunk, void, undefined> {
    try {
      if (tty) for await (const bytes of connection as AsyncIterable<Buffer>) yield { stream: 'stdout', bytes };
      else yield* demux(connection);
    } catch (error) {
      if (closed) return;
      throw signal?.aborted === true ? signal.reason : lost(name, error);
    }
  }

  return {
    output: output(),
    stdin: {
      write: (bytes) =>
        new Promise((resolve, reject) => {
          connection.write(bytes, (error) => {
            if (!error) resolve();
            else reject(signal?.aborted === true ? signal.reason : lost(name, error));
          });
        }),
      end: () => {
        connection.end();
      },
    },
    close,
  };
};
