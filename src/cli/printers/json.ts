import { isUtf8 } from 'node:buffer';
import type { Clock } from '../../lib/clock.ts';
import { doneName } from '../../plan/stage.ts';
import type { LogChunk, StreamName } from '../../runtimes/runtime.ts';
import { pacedOutput } from './paced-output.ts';
import type { Output, Printer } from './printer.ts';
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

export type JsonOptions = { readonly clock: Clock; readonly gone?: (error: Error) => void };

/** One JSON document per line: every event of the run as it is kept, and its logs between them. */
export const jsonPrinter = (output: Output, { clock, gone }: JsonOptions): Printer => {
  const paced = pacedOutput(output, gone);
  /** The beginning of a character whose rest comes with the next chunk. */
  const open = new Map<string, { readonly stage: string; readonly attempt: number } & LogChunk>();
  const line = (value: object): void | Promise<void> => paced.write(`${JSON.stringify(value)}\n`);
  const log = (stage: string, attempt: number, { stream, bytes }: LogChunk): void | Promise<void> =>
    bytes.byteLength === 0 ? undefined : line({ kind: 'log', stage, attempt, stream, ...asText(bytes), at: clock.now() });
  const flush = (stage?: string): void => {
    for (const [key, rest] of open) {
      if (stage !== undefined && rest.stage !== stage && rest.stage !== doneName(stage)) continue;
      open.delete(key);
      void log(rest.stage, rest.attempt, rest);
    }
  };
  return {
    event: (event) => {
      if (event.kind === 'stage.finished') flush(event.stage);
      void line(event);
    },
    log: (stage, attempt, { stream, bytes }) => {
      const key = `${stream} ${attempt} ${stage}`;
      const before = open.get(key);
      open.delete(key);
      const { whole, rest } = splitCharacter(before === undefined ? bytes : Buffer.concat([before.bytes, bytes]));
      if (rest.byteLength > 0) open.set(key, { stage, attempt, stream, bytes: Uint8Array.from(rest) });
      return log(stage, attempt, { stream, bytes: whole });
    },
    note: () => {},
    close: () => {
      flush();
      return paced.close();
    },
  };
};

const asText = (bytes: Uint8Array): { readonly text: string } | { readonly base64: string } => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? { text: buffer.toString('utf8') } : { base64: buffer.toString('base64') };
};
