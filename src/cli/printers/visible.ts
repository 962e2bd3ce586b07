export type Kept = {
  /** Colours and weights (SGR) stay; a line that uses them is closed by a reset. */
  readonly colour?: boolean;
  /** Tabs stay tabs. */
  readonly tabs?: boolean;
};

/**
 * Untrusted text as one line that shows and does nothing else: no escape sequence, control character, line break or reordering of the
 * reading direction survives, whatever the bytes were. Everything that others wrote (names, branches, log lines, messages) goes
 * through here before it reaches a terminal.
 */
export const visible = (text: string, kept: Kept = {}): string => {
  if (plainText.test(text)) return text;
  const shown = text
    .replace(sequences, (sequence) => (kept.colour && sgr.test(sequence) ? sequence : ''))
    .replace(kept.tabs ? lineBreaks : blanks, ' ')
    .replace(kept.colour ? controlsButSgr : controls, '')
    .toWellFormed();
  return kept.colour && shown.includes('\x1b') && !shown.endsWith(reset) ? `${shown}${reset}` : shown;
};

const reset = '\x1b[0m';
const plainText = /^[\x20-\x7e]*$/;

/** CSI; the string sequences (OSC, DCS, SOS, PM, APC) where they end; all other escapes. Each in its 7-bit and its 8-bit form. */
const sequences =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]/g;
const sgr = /^\x1b\[[0-9;:]*m$/;

const lineBreaks = /\r?\n|[\r\v\f\x85\u2028\u2029]/g;
const blanks = /\r?\n|[\r\v\f\x85\u2028\u2029\t]/g;

/** C0 and C1 but tab, characters that reorder or hide text, and what else has no shape. The zero-width joiner stays: emoji need it. */
const hidden =
  '\\x7f-\\x9f\\u00ad\\u061c\\u180e\\u200b\\u200c\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}';
const controls = new RegExp(`[\\x00-\\x08\\x0b-\\x1f${hidden}]`, 'gu');
const controlsButSgr = new RegExp(`\\x1b(?!\\[[0-9;:]*m)|[\\x00-\\x08\\x0b-\\x1a\\x1c-\\x1f${hidden}]`, 'gu');
