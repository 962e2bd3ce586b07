import { type Parsed, parsed, type Range, refused } from '../plan/problem.ts';
import type { ConfigFile } from './dialect.ts';

/** The file's text without a byte order mark; a Problem with the place of the first byte that is no UTF-8. */
export const decodeUtf8 = (file: ConfigFile): Parsed<string> => {
  const text = strictly(file.bytes);
  if (text !== undefined) return parsed(text);
  return refused({
    code: 'NOT_UTF8',
    message: `${file.path} is not UTF-8 text.`,
    hint: isUtf16(file.bytes) ? 'It looks like UTF-16: save it as UTF-8.' : 'Save it as UTF-8.',
    range: firstWrongByte(file),
  });
};

const strictly = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

const isUtf16 = ([first, second]: Uint8Array): boolean => (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);

const firstWrongByte = ({ path, bytes }: ConfigFile): Range => {
  let line = 1;
  for (let start = 0; ; line++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    const lineBytes = bytes.subarray(start, end);
    if (strictly(lineBytes) === undefined || newline === -1) {
      const column = validUnits(lineBytes) + 1;
      return { file: path, start: { line, column }, end: { line, column: column + 1 } };
    }
    start = newline + 1;
  }
};

/** How many UTF-16 units stand before the first wrong byte. */
const validUnits = (bytes: Uint8Array): number => {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let units = 0;
  try {
    for (let i = 0; i < bytes.length; i++) units += decoder.decode(bytes.subarray(i, i + 1), { stream: true }).length;
  } catch {
    return units;
  }
  return units;
};
