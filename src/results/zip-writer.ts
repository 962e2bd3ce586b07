import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { crc32, createDeflateRaw, deflateRawSync } from 'node:zlib';

/**
 * Writes a zip as a stream: entries one after the other, each forgotten but for its line in the directory at the end. Unix modes,
 * symbolic links, UTF-8 names, sizes beyond 4 GB. `write` is awaited before more is made.
 */
export type ZipWriter = {
  file(
    name: string,
    about: ZipEntry & { readonly bytes: number },
    content: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly digest: string }>;
  directory(name: string, about: ZipEntry): Promise<void>;
  symlink(name: string, about: ZipEntry, target: string): Promise<void>;
  /** Writes the directory; answers the size of the whole zip. */
  end(): Promise<number>;
};

/** `mode`: the permission bits. */
export type ZipEntry = { readonly mode: number; readonly at: Date };

/** Up to here a file is held in memory and its sizes stand before it; beyond, they follow it. */
const smallBytes = 64 * 1024;
/** Beyond here 64-bit sizes are announced: what deflate cannot shrink grows a little. */
const zip64Bytes = 0xf000_0000;
const max32 = 0xffff_ffff;
const max16 = 0xffff;

/** Stages wait for their zip: half again as fast for a few hundredths more of size. */
const fast = 1;

const store = 0;
const deflate = 8;
const utf8Name = 1 << 11;
const sizesFollow = 1 << 3;
const fileType = 0o100000;
const directoryType = 0o040000;
const symlinkType = 0o120000;

type Header = {
  readonly name: Buffer;
  readonly unixMode: number;
  readonly at: Date;
  readonly flags: number;
  readonly method: number;
  readonly zip64: boolean;
  readonly offset: number;
};
type Sizes = { readonly crc: number; readonly packed: number; readonly bytes: number };

export const zipWriter = (write: (bytes: Uint8Array) => Promise<void>): ZipWriter => {
  const directory: Buffer[] = [];
  let offset = 0;

  const put = async (...parts: readonly Uint8Array[]): Promise<void> => {
    const bytes = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    await write(bytes);
    offset += bytes.length;
  };

  const header = (name: string, unixMode: number, at: Date, rest: Pick<Header, 'flags' | 'method' | 'zip64'>): Header => {
    const bytes = Buffer.from(name);
    if (bytes.length > max16) throw new Error(`the name ${JSON.stringify(`${name.slice(0, 80)}…`)} is too long for a zip`);
    return { name: bytes, unixMode, at, offset, ...rest };
  };

  const putWhole = async (name: string, unixMode: number, at: Date, content: Buffer): Promise<void> => {
    const packed = content.length > 64 ? deflateRawSync(content, { level: fast }) : content;
    const shrinks = packed.length < content.length;
    const body = shrinks ? packed : content;
    const head = header(name, unixMode, at, { flags: utf8Name, method: shrinks ? deflate : store, zip64: false });
    const sizes = { crc: crc32(content), packed: body.length, bytes: content.length };
    await put(localHeader(head, sizes), body);
    directory.push(directoryEntry(head, sizes));
  };

  const putStream = async (name: string, unixMode: number, at: Date, bytes: number, content: AsyncIterable<Uint8Array>): Promise<void> => {
    const head = header(name, unixMode, at, { flags: utf8Name | sizesFollow, method: deflate, zip64: bytes > zip64Bytes });
    await put(localHeader(head, { crc: 0, packed: 0, bytes: 0 }));
    const start = offset;
    let crc = 0;
    let length = 0;
    const counted = async function* () {
      for await (const chunk of content) {
        crc = crc32(chunk, crc);
        length += chunk.length;
        yield chunk;
      }
    };
    await pipeline(counted, createDeflateRaw({ level: fast }), async (packed) => {
      for await (const piece of packed) await put(piece);
    });
    if (length !== bytes) throw new Error(`${JSON.stringify(name)} has ${length} bytes instead of ${bytes}`);
    const sizes = { crc, packed: offset - start, bytes: length };
    await put(descriptor(head, sizes));
    directory.push(directoryEntry(head, sizes));
  };

  return {
    file: async (name, { mode, at, bytes }, content) => {
      const hash = createHash('sha256');
      const hashed = async function* () {
        for await (const chunk of content) {
          hash.update(chunk);
          yield chunk;
        }
      };
      if (bytes <= smallBytes) await putWhole(name, fileType | mode, at, await gathered(hashed(), bytes, name));
      else await putStream(name, fileType | mode, at, bytes, hashed());
      return { digest: `sha256:${hash.digest('hex')}` };
    },
    directory: (name, { mode, at }) => putWhole(name, directoryType | mode, at, Buffer.alloc(0)),
    symlink: (name, { mode, at }, target) => putWhole(name, symlinkType | mode, at, Buffer.from(target)),
    end: async () => {
      const start = offset;
      for (const entry of directory) await put(entry);
      await put(endOfDirectory(directory.length, start, offset - start));
      return offset;
    },
  };
};

const gathered = async (content: AsyncIterable<Uint8Array>, bytes: number, name: string): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  if (whole.length !== bytes) throw new Error(`${JSON.stringify(name)} has ${whole.length} bytes instead of ${bytes}`);
  return whole;
};

/** The layout of PKWARE's APPNOTE, sections 4.3.7 (local header), 4.3.9 (descriptor), 4.3.12 (directory), 4.3.14 … 16 (its end). */
const localHeader = ({ name, at, flags, method, zip64 }: Header, { crc, packed, bytes }: Sizes): Buffer => {
  const extra = Buffer.concat([timeField(at), zip64 ? zip64Field([0, 0]) : Buffer.alloc(0)]);
  return Buffer.concat([
    fields([
      [4, 0x04034b50],
      [2, zip64 ? 45 : 20],
      [2, flags],
      [2, method],
      [4, dosTime(at)],
      [4, crc],
      [4, zip64 ? max32 : packed],
      [4, zip64 ? max32 : bytes],
      [2, name.length],
      [2, extra.length],
    ]),
    name,
    extra,
  ]);
};

const descriptor = ({ zip64 }: Header, { crc, packed, bytes }: Sizes): Buffer =>
  fields([
    [4, 0x08074b50],
    [4, crc],
    [zip64 ? 8 : 4, packed],
    [zip64 ? 8 : 4, bytes],
  ]);

const directoryEntry = ({ name, unixMode, at, flags, method, offset }: Header, { crc, packed, bytes }: Sizes): Buffer => {
  const large = [bytes, packed, offset].filter((value) => value >= max32);
  const extra = Buffer.concat([timeField(at), large.length > 0 ? zip64Field(large) : Buffer.alloc(0)]);
  return Buffer.concat([
    fields([
      [4, 0x02014b50],
      [2, (3 << 8) | 63],
      [2, large.length > 0 ? 45 : 20],
      [2, flags],
      [2, method],
      [4, dosTime(at)],
      [4, crc],
      [4, Math.min(packed, max32)],
      [4, Math.min(bytes, max32)],
      [2, name.length],
      [2, extra.length],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, unixMode * 0x10000 + ((unixMode & 0o170000) === directoryType ? 0x10 : 0)],
      [4, Math.min(offset, max32)],
    ]),
    name,
    extra,
  ]);
};

const endOfDirectory = (entries: number, start: number, bytes: number): Buffer => {
  const end = fields([
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, Math.min(entries, max16)],
    [2, Math.min(entries, max16)],
    [4, Math.min(bytes, max32)],
    [4, Math.min(start, max32)],
    [2, 0],
  ]);
  if (entries < max16 && bytes < max32 && start < max32) return end;
  const end64 = fields([
    [4, 0x06064b50],
    [8, 44],
    [2, (3 << 8) | 63],
    [2, 45],
    [4, 0],
    [4, 0],
    [8, entries],
    [8, entries],
    [8, bytes],
    [8, start],
  ]);
  const locator = fields([
    [4, 0x07064b50],
    [4, 0],
    [8, start + bytes],
    [4, 1],
  ]);
  return Buffer.concat([end64, locator, end]);
};

const zip64Field = (values: readonly number[]): Buffer =>
  fields([[2, 0x0001], [2, values.length * 8], ...values.map((value) => [8, value] as const)]);

/** Seconds since 1970, as Info-ZIP's "UT" field has them. */
const timeField = (at: Date): Buffer =>
  fields([
    [2, 0x5455],
    [2, 5],
    [1, 1],
    [4, Math.min(Math.max(Math.floor(at.getTime() / 1000), 0), 0x7fff_ffff)],
  ]);

const dosTime = (at: Date): number => {
  const year = Math.min(Math.max(at.getUTCFullYear(), 1980), 2107);
  const date = ((year - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  return date * 0x10000 + time;
};

/** Little-endian numbers of the given widths. */
const fields = (values: readonly (readonly [width: 1 | 2 | 4 | 8, value: number])[]): Buffer => {
  const bytes = Buffer.alloc(values.reduce((sum, [width]) => sum + width, 0));
  let at = 0;
  for (const [width, value] of values) {
    if (width === 8) bytes.writeBigUInt64LE(BigInt(value), at);
    else bytes.writeUIntLE(value, at, width);
    at += width;
  }
  return bytes;
};
