import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { ResultsError } from './results-error.ts';

/** The same bytes; in the end an error, when they have not that SHA-256 (with or without `sha256:` before it). `place`: where they come from, for people. */
export const verifiedTar = (tar: Readable, digest: string, place: string): Readable =>
  Readable.from(verified(tar, digest.replace(/^sha256:/, ''), place), { objectMode: false });

async function* verified(tar: Readable, digits: string, place: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of tar as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== digits) throw new ResultsError('RESULTS_UNREADABLE', `the files ${digits} in ${place} are not what was kept`);
}
