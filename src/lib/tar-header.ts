/** One entry of a tar; names are bytes. `mode` are the permission bits, `at` epoch ms. */
export type TarEntry = {
  readonly name: Buffer;
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly at: number;
  readonly bytes: number;
  readonly target?: Buffer;
};

const block = 512;
const longest = 100;

/** GNU's format, which takes any bytes as a name, names of any length and sizes of any number. Owner and group are root. */
export const tarHeader = ({ name, kind, mode, at, bytes, target = Buffer.alloc(0) }: TarEntry): Buffer => {
  const path = kind === 'directory' ? Buffer.concat([name, Buffer.from('/')]) : name;
  const flag = kind === 'file' ? '0' : kind === 'directory' ? '5' : '2';
  return Buffer.concat([
    longField('K', target),
    longField('L', path),
    header(path.subarray(0, longest), flag, mode, at, bytes, target.subarray(0, longest)),
  ]);
};

/** What follows a file's bytes. */
export const tarPadding = (bytes: number): Buffer => Buffer.alloc((block - (bytes % block)) % block);

export const tarEnd = (): Buffer => Buffer.alloc(2 * block);

const longField = (flag: string, value: Buffer): Buffer => {
  if (value.length <= longest) return Buffer.alloc(0);
  const text = Buffer.concat([value, Buffer.alloc(1)]);
  return Buffer.concat([header(Buffer.from('././@LongLink'), flag, 0, 0, text.length, Buffer.alloc(0)), text, tarPadding(text.length)]);
};

const header = (name: Buffer, flag: string, mode: number, at: number, bytes: number, target: Buffer): Buffer => {
  const fields = Buffer.alloc(block);
  name.copy(fields, 0);
  octal(fields, 100, 8, mode);
  octal(fields, 108, 8, 0);
  octal(fields, 116, 8, 0);
  octal(fields, 124, 12, bytes);
  octal(fields, 136, 12, Math.max(0, Math.floor(at / 1000)));
  fields.fill(' ', 148, 156);
  fields.write(flag, 156);
  target.copy(fields, 157);
  fields.write('ustar  \0', 257, 'latin1');
  const sum = fields.reduce((total, byte) => total + byte, 0);
  fields.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return fields;
};

const octal = (fields: Buffer, at: number, width: number, value: number): void => {
  const digits = value.toString(8).padStart(width - 1, '0');
  if (digits.length < width) {
    fields.write(digits, at);
    return;
  }
  fields[at] = 0x80;
  fields.writeBigUInt64BE(BigInt(value), at + width - 8);
};
