/** Bytes without the beginning of a UTF-8 character at their end (at most three bytes), and that beginning. */
export const splitCharacter = (bytes: Uint8Array): { readonly whole: Uint8Array; readonly rest: Uint8Array } => {
  const cutAt = bytes.byteLength - beginningAtEnd(bytes);
  return { whole: bytes.subarray(0, cutAt), rest: bytes.subarray(cutAt) };
};

const beginningAtEnd = (bytes: Uint8Array): number => {
  for (let length = 1; length <= 3; length++) {
    const byte = bytes.at(-length);
    if (byte === undefined || byte < 0x80) return 0;
    if (byte >= 0xc0) return lengthBy(byte) > length ? length : 0;
  }
  return 0;
};

const lengthBy = (first: number): number => (first >= 0xf8 ? 0 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2);
