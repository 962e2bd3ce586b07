import { Readable } from 'node:stream';
import { HttpError } from './http-error.ts';

/**
 * The bytes of a request as they come, no more of them than the limit. Destroying it, or failing to read it, leaves the request itself to be answered.
 */
export const limited = (body: Readable, limitBytes: number): Readable => {
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > limitBytes) throw new HttpError('REQUEST_TOO_LARGE', 413, `The request may have ${limitBytes} bytes.`);
      yield chunk;
    }
  };
  return Readable.from(counted(), { objectMode: false });
};

/** All of it, in memory. */
export const gathered = async (body: Readable, limitBytes: number): Promise<Buffer> =>
  Buffer.concat(await limited(body, limitBytes).toArray());
