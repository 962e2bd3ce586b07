/** What one stream of a conductor brings: the user's bytes, and the words of a mark. */
export type Scanned = { readonly kind: 'bytes'; readonly bytes: Buffer } | { readonly kind: 'mark'; readonly words: readonly string[] };

export type MarkScanner = {
  push(bytes: Buffer): readonly Scanned[];
  /** What looked like the beginning of a mark and is none. */
  end(): readonly Scanned[];
};

/**
 * Finds the marks of a conductor (`RS nonce SP words RS LF`) wherever the stream is cut. A byte is held back only while it may be part of
 * one. The last line feed may be lacking: some engines lose it at the end of a long line.
 */
export const markScanner = (nonce: string): MarkScanner => {
  const opening = Buffer.from(`\x1e${nonce} `);
  let held: Buffer = Buffer.alloc(0);
  let owesLineFeed = false;

  const push = (bytes: Buffer): readonly Scanned[] => {
    const found: Scanned[] = [];
    let rest = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    held = Buffer.alloc(0);
    const pass = (some: Buffer): void => {
      if (some.length > 0) found.push({ kind: 'bytes', bytes: some });
    };
    for (;;) {
      if (owesLineFeed && rest.length > 0) {
        if (rest[0] === lineFeed) rest = rest.subarray(1);
        owesLineFeed = false;
      }
      const begin = rest.indexOf(opening);
      if (begin < 0) {
        const whole = rest.length - halfOpened(rest, opening);
        pass(rest.subarray(0, whole));
        held = rest.subarray(whole);
        return found;
      }
      const end = rest.indexOf(separator, begin + opening.length);
      if (end < 0 && rest.length - begin < longestMark) {
        pass(rest.subarray(0, begin));
        held = rest.subarray(begin);
        return found;
      }
      if (end < 0 || end - begin > longestMark) {
        pass(rest.subarray(0, begin + 1));
        rest = rest.subarray(begin + 1);
        continue;
      }
      pass(rest.subarray(0, begin));
      found.push({ kind: 'mark', words: rest.toString('utf8', begin + opening.length, end).split(' ') });
      rest = rest.subarray(end + 1);
      owesLineFeed = true;
    }
  };

  return {
    push,
    end: () => {
      const rest = held;
      held = Buffer.alloc(0);
      return rest.length === 0 || rest.indexOf(opening) === 0 ? [] : [{ kind: 'bytes', bytes: rest }];
    },
  };
};

/** How many bytes at the end may be the beginning of an opening. */
const halfOpened = (bytes: Buffer, opening: Buffer): number => {
  for (let at = Math.max(0, bytes.length - opening.length + 1); ; at++) {
    at = bytes.indexOf(separator, at);
    if (at < 0) return 0;
    if (opening.subarray(0, bytes.length - at).equals(bytes.subarray(at))) return bytes.length - at;
  }
};

const separator = 0x1e;
const lineFeed = 0x0a;
const longestMark = 4096;
