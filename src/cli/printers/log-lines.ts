/** Pieces of a stream's text: `ends` says whether a newline closed the line (it is not in `text`). */
export type LinePiece = { readonly text: string; readonly ends: boolean };

export type LogLines = {
  add(bytes: Uint8Array): readonly LinePiece[];
  /** What is left when the stream has ended. */
  end(): readonly LinePiece[];
};

/** More than this of one line is not held back until its end: it is given out in pieces. */
const longestHeld = 1 << 20;

/** Lines of bytes that come in pieces; what is no UTF-8 becomes U+FFFD, and characters may be split between pieces. */
export const logLines = (held = longestHeld): LogLines => {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let line: string[] = [];
  let length = 0;
  let open = false;
  const take = (): string => {
    const text = line.join('');
    line = [];
    length = 0;
    return text;
  };
  const split = (text: string): LinePiece[] => {
    const pieces: LinePiece[] = [];
    let from = 0;
    for (let newline = text.indexOf('\n'); newline !== -1; newline = text.indexOf('\n', from)) {
      line.push(text.slice(from, newline));
      pieces.push({ text: take(), ends: true });
      open = false;
      from = newline + 1;
    }
    line.push(text.slice(from));
    length += text.length - from;
    if (length > held) {
      pieces.push({ text: take(), ends: false });
      open = true;
    }
    return pieces;
  };
  return {
    add: (bytes) => split(decoder.decode(bytes, { stream: true })),
    end: () => {
      const pieces = split(decoder.decode());
      const rest = take();
      return rest === '' && !open ? pieces : [...pieces, { text: rest, ends: true }];
    },
  };
};
