import { Readable } from 'node:stream';

/** Bytes of a tar, and how many entries were left out; the count is final when the stream has ended. */
export type Lessened = { readonly tar: Readable; omitted(): number };

/**
 * The same tar without the root entries of these names and all that is below them. Every other entry keeps its very bytes; none is
 * held as a whole. Destroying the result destroys what it is made of.
 */
export const tarWithout = (tar: Readable, names: readonly string[]): Lessened => {
  const unwanted = new Set(names);
  let omitted = 0;
  const lessened = Readable.from(
    remaining(tar, (name) => {
      const isUnwanted = unwanted.has(rootOf(name));
      if (isUnwanted) omitted++;
      return isUnwanted;
    }),
    { objectMode: false },
  );
  lessened.once('close', () => tar.destroy());
  return { tar: lessened, omitted: () => omitted };
};

const block = 512;

/** Headers that tell of the entry behind them (its name, its size) stay with it or go with it. */
async function* remaining(tar: Readable, isUnwanted: (name: string) => boolean): AsyncGenerator<Uint8Array> {
  let rest: Buffer = Buffer.alloc(0);
  /** Of the content under way, padding included. */
  let left = 0;
  let take: 'give' | 'drop' | 'note' = 'give';
  let told: { headers: Buffer[]; content: Buffer[]; name?: string; size?: number; kind: string } = { headers: [], content: [], kind: '' };

  for await (const chunk of tar as AsyncIterable<Uint8Array>) {
    const bytes = rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([rest, chunk]);
    let at = 0;
    /** From where on bytes are given in one piece. */
    let from = 0;
    const give = function* (to: number): Generator<Uint8Array> {
      if (to > from) yield bytes.subarray(from, to);
      from = to;
    };
    while (at < bytes.length) {
      if (left > 0) {
        const part = Math.min(left, bytes.length - at);
        if (take === 'note') told.content.push(Buffer.from(bytes.subarray(at, at + part)));
        at += part;
        left -= part;
        if (take !== 'give') from = at;
        if (left === 0 && take === 'note') told = noted(told);
        continue;
      }
      if (bytes.length - at < block) break;
      const header = bytes.subarray(at, at + block);
      const kind = String.fromCharCode(header[156] ?? 0);
      const size = told.size ?? numberIn(header, 124, 12);
      if ('xLK'.includes(kind)) {
        yield* give(at);
        const ownSize = numberIn(header, 124, 12);
        told = { ...told, headers: [...told.headers, Buffer.from(header)], content: [], kind };
        take = 'note';
        left = padded(ownSize);
        at += block;
        from = at;
        continue;
      }
      const name = told.name ?? nameIn(header);
      const unwanted = kind !== 'g' && name !== '' && isUnwanted(name);
      take = unwanted ? 'drop' : 'give';
      yield* give(at);
      if (!unwanted) yield* told.headers;
      left = hasContent(kind) ? padded(size) : 0;
      at += block;
      if (unwanted) from = at;
      told = { headers: [], content: [], kind: '' };
    }
    yield* give(at);
    rest = Buffer.from(bytes.subarray(at));
  }
  if (rest.length > 0) yield rest;
}

type Told = { headers: Buffer[]; content: Buffer[]; name?: string; size?: number; kind: string };

/** What a header for the next entry says: a pax record or GNU's long name. */
const noted = ({ headers, content, name, size, kind }: Told): Told => {
  const text = Buffer.concat(content);
  const known = {
    headers: [...headers, ...content],
    content: [],
    kind,
    ...(name === undefined ? {} : { name }),
    ...(size === undefined ? {} : { size }),
  };
  if (kind === 'L') return { ...known, name: text.toString('utf8').replace(/\0.*$/s, '') };
  if (kind !== 'x') return known;
  const records = paxRecords(text);
  return {
    ...known,
    ...(records.path === undefined ? {} : { name: records.path }),
    ...(records.size === undefined ? {} : { size: Number(records.size) }),
  };
};

/** `<length> <key>=<value>\n`, the length counting all of it. */
const paxRecords = (text: Buffer): { readonly path?: string; readonly size?: string } => {
  const found: { path?: string; size?: string } = {};
  for (let at = 0; at < text.length; ) {
    const space = text.indexOf(0x20, at);
    const length = Number(text.toString('latin1', at, space));
    if (space < 0 || !(length > 0)) break;
    const record = text.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    const key = record.slice(0, equals);
    if (key === 'path' || key === 'size') found[key] = record.slice(equals + 1);
    at += length;
  }
  return found;
};

const rootOf = (name: string): string => name.split('/').find((part) => part !== '' && part !== '.') ?? '';

const nameIn = (header: Buffer): string => {
  const name = textIn(header, 0, 100);
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? textIn(header, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
};

const textIn = (header: Buffer, at: number, width: number): string => {
  const field = header.subarray(at, at + width);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? width : end);
};

/** Octal, or where that is too small big-endian behind a set highest bit. */
const numberIn = (header: Buffer, at: number, width: number): number => {
  if (((header[at] ?? 0) & 0x80) !== 0) return header.readUIntBE(at + width - 6, 6);
  return Number.parseInt(textIn(header, at, width).trim() || '0', 8);
};

const padded = (bytes: number): number => Math.ceil(bytes / block) * block;

/** Links, devices, directories and pipes have none, whatever their size says. */
const hasContent = (kind: string): boolean => !'123456'.includes(kind);
