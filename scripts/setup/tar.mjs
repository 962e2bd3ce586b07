/**
 * A tar archive (ustar) in memory. An entry is `{ path, mode, bytes }`, `{ path, mode }` for a directory or `{ path, target }` for a
 * symbolic link. Paths are relative and have at most 100 bytes; everything belongs to root and is as old as the epoch, so that equal
 * entries give equal bytes.
 */
export const tar = (entries) => {
  const blocks = entries.flatMap((entry) => [header(entry), padded(entry.bytes ?? Buffer.alloc(0))]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockSize)]);
};

const blockSize = 512;

const padded = (bytes) => Buffer.concat([bytes, Buffer.alloc((blockSize - (bytes.length % blockSize)) % blockSize)]);

const header = ({ path, mode = 0o777, bytes, target }) => {
  const type = target === undefined ? (bytes === undefined ? '5' : '0') : '2';
  const block = Buffer.alloc(blockSize);
  const put = (text, offset, width) => {
    if (Buffer.byteLength(text) > width) throw new Error(`too long for a tar archive: ${text}`);
    block.write(text, offset);
  };
  const octal = (number, offset, width) => put(number.toString(8).padStart(width - 1, '0'), offset, width);
  put(path, 0, 100);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(bytes?.length ?? 0, 124, 12);
  octal(0, 136, 12);
  put(type, 156, 1);
  put(target ?? '', 157, 100);
  put('ustar\u000000', 257, 8);
  block.fill(' ', 148, 156);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return block;
};
