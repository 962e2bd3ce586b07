import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { EngineError } from './engine-error.ts';
import { lost } from './failures.ts';

/**
 * The bytes of an answer: the engine is held back while nobody reads, a broken connection is an EngineError, an abort the signal's
 * reason. Destroying it closes the connection; read to its end, the connection is kept for the next call.
 */
export const responseBody = (name: string, response: IncomingMessage, signal: AbortSignal | undefined): Readable => {
  const body = new Readable({
    read: () => {
      response.resume();
    },
    destroy: (error, done) => {
      if (!response.readableEnded) response.destroy();
      done(error);
    },
  });
  // Whoever reads is told; an answer that nobody reads at the moment brings nobody down.
  body.on('error', () => {});
  response.on('data', (bytes: Buffer) => {
    if (!body.push(bytes)) response.pause();
  });
  response.on('end', () => body.push(null));
  response.on('error', (error) => body.destroy(signal?.aborted === true ? asError(signal.reason) : lost(name, error)));
  return body;
};

export const jsonOf = async <T>(name: string, body: AsyncIterable<Uint8Array>): Promise<T> => {
  const parts: Uint8Array[] = [];
  for await (const bytes of body) parts.push(bytes);
  const text = Buffer.concat(parts).toString();
  if (text.trim() === '') return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new EngineError('lost', `the answer of the Docker Engine at ${name} is no JSON`, { cause });
  }
};

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason), { cause: reason }));
