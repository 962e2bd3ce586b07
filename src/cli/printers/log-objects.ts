import { isUtf8 } from 'node:buffer';
import type { Clock } from '../../lib/clock.ts';
import { doneName } from '../../plan/stage.ts';
import type { LogChunk, StreamName } from '../../runtimes/runtime.ts';
import { splitCharacter } from './split-character.ts';

/**
 * A piece of a log as a JSON line; `stage` is `<stage>.done` for that of its `done`. The pieces of one stream of an attempt, one after the other, are its exact bytes; `text` where
 * they are UTF-8, `base64` where not. `at` is epoch ms.
 */
export type LogLine = {
  readonly kind: 'log';
  readonly stage: string;
  readonly attempt: number;
  readonly stream: StreamName;
  readonly at: number;
} & ({ readonly text: string } | { readonly base64: string });

export type LogObjects<T> = {
  log(stage: string, attempt: number, chunk: LogChunk): T | undefined;
  /** What was held back of a stage that has ended, or of all. */
  flush(stage?: string): void;
};

/** Chunks of logs as objects: a character that is cut in two comes whole, with the second chunk. */
export const logObjects = <T>(clock: Clock, line: (value: LogLine) => T): LogObjects<T> => {
  /** The beginning of a character whose rest comes with the next chunk. */
  const open = new Map<string, { readonly stage: string; readonly attempt: number } & LogChunk>();
  const log = (stage: string, attempt: number, { stream, bytes }: LogChunk): T | undefined =>
    bytes.byteLength === 0 ? undefined : line({ kind: 'log', stage, attempt, stream, ...asText(bytes), at: clock.now() });
  return {
    log: (stage, attempt, { stream, bytes }) => {
      const key = `${stream} ${attempt} ${stage}`;
      const before = open.get(key);
      open.delete(key);
      const { whole, rest } = splitCharacter(before === undefined ? bytes : Buffer.concat([before.bytes, bytes]));
      if (rest.byteLength > 0) open.set(key, { stage, attempt, stream, bytes: Uint8Array.from(rest) });
      return log(stage, attempt, { stream, bytes: whole });
    },
    flush: (stage) => {
      for (const [key, rest] of open) {
        if (stage !== undefined && rest.stage !== stage && rest.stage !== doneName(stage)) continue;
        open.delete(key);
        log(rest.stage, rest.attempt, rest);
      }
    },
  };
};

const asText = (bytes: Uint8Array): { readonly text: string } | { readonly base64: string } => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? { text: buffer.toString('utf8') } : { base64: buffer.toString('base64') };
};
