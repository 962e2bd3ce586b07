import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredChunk } from '../results/results.ts';
import type { LogPosition } from '../runtimes/runtime.ts';
import { decodeHeader, encodeHeader, encodePiece, headerBytes, piecesFrom, writeFully } from './spool-segment.ts';
import { diskError } from './worker-error.ts';

/**
 * A log on the worker's disk until the server has it, in the directory's files `<n>.part`: what `append` returned for is there after a crash of the
 * process. One process has a directory at a time. Calls are synchronous: they go to the page cache, which is faster than any other thread.
 */
export type Spool = {
  /** Where it ends. */
  readonly position: LogPosition;
  /** Bytes that were not taken. */
  readonly waiting: number;
  /** Throws WorkerError; then it is as it was. */
  append(chunk: StoredChunk): void;
  /** What comes next, up to so many bytes; `undefined` when all is taken. */
  next(maxBytes: number): StoredChunk | undefined;
  /** What `next` gave is durable elsewhere. */
  taken(): void;
  /** Begins again at what the other side has; `false` when that is not in here. */
  seek(position: LogPosition): boolean;
  close(): void;
};

const partBytes = 4 * 1024 * 1024;
/** Pieces that came so shortly after one another go as one. */
const togetherMs = 100;

type Part = { readonly number: number; readonly file: number; readonly base: LogPosition; size: number };

/** Goes on with what the directory holds; begins anew where that does not go on from `from`, the byte that the other side has. */
export const openSpool = (directory: string, from: LogPosition): Spool => {
  const what = 'the log that waits for the server';
  const path = (number: number): string => join(directory, `${String(number).padStart(8, '0')}.part`);
  let parts: Part[] = [];
  let end: LogPosition = { ...from };
  let reader = { part: 0, offset: headerBytes, skip: 0 };
  let ahead: { readonly bytes: number; readonly offset: number } | undefined;
  let waiting = 0;

  const drop = (dropped: readonly Part[]): void => {
    for (const { number, file } of dropped) {
      closeSync(file);
      rmSync(path(number), { force: true });
    }
  };

  const begin = (base: LogPosition): void => {
    const number = (parts.at(-1)?.number ?? 0) + 1;
    const file = openSync(path(number), 'w+', 0o600);
    try {
      writeFully(file, encodeHeader(base), 0);
    } catch (error) {
      closeSync(file);
      throw error;
    }
    parts.push({ number, file, base, size: headerBytes });
  };

  const load = (): void => {
    const names = readdirSync(directory).filter((name) => /^\d{8}\.part$/.test(name));
    for (const name of names.sort()) {
      const file = openSync(join(directory, name), 'r+');
      const base = decodeHeader(file);
      const number = Number.parseInt(name, 10);
      const part = { number, file, base: base ?? end, size: headerBytes };
      if (base === undefined || (parts.length > 0 && !isSame(base, end))) {
        drop([part]);
        continue;
      }
      end = base;
      for (const piece of piecesFrom(file, headerBytes, fstatSync(file).size)) {
        end = plus(end, piece.stream, piece.bytes.length);
        part.size = piece.end;
      }
      ftruncateSync(file, part.size);
      parts.push(part);
    }
  };

  const seek = (to: LogPosition): boolean => {
    const index = parts.findLastIndex(({ base }) => base.stdout <= to.stdout && base.stderr <= to.stderr);
    const part = parts[index];
    if (part === undefined) return isSame(end, to);
    let at = part.base;
    reader = { part: index, offset: headerBytes, skip: 0 };
    ahead = undefined;
    for (const piece of piecesFrom(part.file, headerBytes, part.size)) {
      if (isSame(at, to)) break;
      const left = to[piece.stream] - at[piece.stream];
      at = plus(at, piece.stream, Math.min(left, piece.bytes.length));
      if (left < piece.bytes.length) {
        reader = { ...reader, skip: left };
        break;
      }
      reader = { ...reader, offset: piece.end };
    }
    waiting = end.stdout - to.stdout + (end.stderr - to.stderr);
    return isSame(at, to);
  };

  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    load();
    if (!seek(from)) {
      drop(parts);
      parts = [];
      end = { ...from };
      waiting = 0;
    }
  } catch (error) {
    throw diskError(what, error);
  }

  const writable = (): Part => {
    const last = parts.at(-1);
    if (last !== undefined && last.size < partBytes) return last;
    begin(end);
    return parts.at(-1) as Part;
  };

  const write = (chunk: StoredChunk): void => {
    const part = writable();
    const piece = encodePiece(chunk);
    writeFully(part.file, piece, part.size);
    part.size += piece.length;
  };

  /** What was taken makes room for what comes. */
  const writeInItsPlace = (chunk: StoredChunk, error: unknown): void => {
    if (waiting > 0 || parts.length === 0) throw error;
    drop(parts);
    parts = [];
    reader = { part: 0, offset: headerBytes, skip: 0 };
    write(chunk);
  };

  /** Leaves parts behind that were taken to their end. */
  const advance = (): void => {
    while (reader.part < parts.length - 1 && reader.offset >= (parts[reader.part]?.size ?? 0)) {
      reader = { part: reader.part + 1, offset: headerBytes, skip: 0 };
    }
    drop(parts.splice(0, reader.part));
    reader = { ...reader, part: 0 };
  };

  return {
    get position() {
      return end;
    },
    get waiting() {
      return waiting;
    },
    append: (chunk) => {
      try {
        try {
          write(chunk);
        } catch (error) {
          writeInItsPlace(chunk, error);
        }
        end = plus(end, chunk.stream, chunk.bytes.length);
        waiting += chunk.bytes.length;
      } catch (error) {
        throw diskError(what, error);
      }
    },
    next: (maxBytes) => {
      advance();
      const part = parts[reader.part];
      if (part === undefined) return undefined;
      const together: Uint8Array[] = [];
      let first: StoredChunk | undefined;
      let bytes = 0;
      let { offset } = reader;
      for (const piece of piecesFrom(part.file, offset, part.size)) {
        const rest = first === undefined ? piece.bytes.subarray(reader.skip) : piece.bytes;
        if (first !== undefined) {
          const isApart = piece.stream !== first.stream || piece.at - first.at >= togetherMs || piece.at < first.at;
          if (isApart || bytes + rest.length > maxBytes) break;
        }
        first ??= piece;
        together.push(Uint8Array.from(rest));
        bytes += rest.length;
        offset = piece.end;
      }
      if (first === undefined) return undefined;
      ahead = { bytes, offset };
      return { stream: first.stream, bytes: together.length === 1 ? (together[0] as Uint8Array) : Buffer.concat(together), at: first.at };
    },
    taken: () => {
      if (ahead === undefined) return;
      waiting -= ahead.bytes;
      reader = { ...reader, offset: ahead.offset, skip: 0 };
      ahead = undefined;
      advance();
    },
    seek,
    close: () => {
      for (const { file } of parts) closeSync(file);
      parts = [];
    },
  };
};

const plus = (position: LogPosition, stream: StoredChunk['stream'], bytes: number): LogPosition => ({
  ...position,
  [stream]: position[stream] + bytes,
});

const isSame = (a: LogPosition, b: LogPosition): boolean => a.stdout === b.stdout && a.stderr === b.stderr;
