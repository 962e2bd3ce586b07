import { createHash } from 'node:crypto';
import type { AttemptKey, Results } from '../results/results.ts';
import type { OutputRef } from '../run/run-event.ts';
import type { LogChunk } from '../runtimes/runtime.ts';

/** The digest of a stage's stdout; its bytes too where the log may differ from them. */
export const outputKeeper = (keepBytes: boolean) => {
  const hash = createHash('sha256');
  const kept: Uint8Array[] = [];
  let size = 0;
  const add = (chunk: LogChunk): void => {
    if (chunk.stream !== 'stdout') return;
    hash.update(chunk.bytes);
    size += chunk.bytes.byteLength;
    if (keepBytes) kept.push(chunk.bytes);
  };
  return {
    add,
    /** What an earlier process has stored already. */
    catchUp: async (results: Results, key: AttemptKey, stdoutBytes: number, signal: AbortSignal): Promise<void> => {
      let rest = stdoutBytes;
      for await (const chunk of results.readLog(key, { from: 0, follow: false, signal })) {
        if (chunk.stream !== 'stdout') continue;
        add({ stream: 'stdout', bytes: chunk.bytes.subarray(0, rest) });
        rest -= Math.min(rest, chunk.bytes.byteLength);
      }
    },
    bytes: (): Uint8Array => Buffer.concat(kept),
    reference: (): OutputRef => ({ bytes: size, digest: `sha256:${hash.digest('hex')}` }),
  };
};
