import type { LogChunk, StreamName } from '../../runtimes/runtime.ts';
import { visible } from './visible.ts';

export type LogTail = {
  add(chunk: LogChunk): void;
  /** The newest line with something in it, as it would be seen: after a carriage return what was written over the line. */
  lastLine(): string;
  /** At most `count` of the newest lines; `more` says whether there were others before. */
  lastLines(count: number): { readonly lines: readonly string[]; readonly more: boolean };
};

const keptBytes = 16 * 1024;

/** The end of a log, for the price of copying at most 16 KiB of each chunk; text is made of it only when it is asked for. */
export const logTail = (): LogTail => {
  const buffer = Buffer.allocUnsafe(2 * keptBytes);
  let length = 0;
  let dropped = false;
  let stream: StreamName | undefined;
  let last: string | undefined = '';

  const append = (bytes: Uint8Array): void => {
    const part = bytes.byteLength > keptBytes ? bytes.subarray(-keptBytes) : bytes;
    if (part !== bytes) dropped = true;
    if (length + part.byteLength > buffer.byteLength) {
      const kept = keptBytes - Math.min(keptBytes, part.byteLength);
      buffer.copyWithin(0, length - kept, length);
      length = kept;
      dropped = true;
    }
    buffer.set(part, length);
    length += part.byteLength;
  };
  const lineBefore = (end: number): { readonly text: string; readonly start: number } => {
    const start = end === 0 ? 0 : buffer.lastIndexOf(newline, end - 1) + 1;
    return { text: shown(buffer.toString('utf8', start, end)), start };
  };
  return {
    add: (chunk) => {
      if (chunk.bytes.byteLength === 0) return;
      if (stream !== undefined && stream !== chunk.stream && buffer[length - 1] !== newline) append(newlineBytes);
      stream = chunk.stream;
      append(chunk.bytes);
      last = undefined;
    },
    lastLine: () => {
      if (last !== undefined) return last;
      last = '';
      for (let end = length; end > 0 && last === ''; ) {
        const line = lineBefore(end);
        last = line.text;
        end = line.start - 1;
      }
      return last;
    },
    lastLines: (count) => {
      const lines: string[] = [];
      let end = length === 0 ? -1 : buffer[length - 1] === newline ? length - 1 : length;
      while (lines.length < count && end >= 0) {
        const line = lineBefore(end);
        lines.unshift(line.text);
        end = line.start - 1;
      }
      return { lines, more: end >= 0 || dropped };
    },
  };
};

const newline = 0x0a;
const newlineBytes = Uint8Array.of(newline);

const shown = (line: string): string => {
  const written = line.includes('\r') ? (line.split('\r').findLast((part) => part.trim() !== '') ?? '') : line;
  return visible(written.replaceAll('\t', '  ')).trimEnd();
};
