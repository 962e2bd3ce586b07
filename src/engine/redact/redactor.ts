import { type Automaton, automatonOf } from './automaton.ts';
import { formsOf, type Secret } from './forms.ts';

/**
 * Masks secrets in one stream of bytes, also across the borders of chunks. Each byte of a secret becomes a `*`, so lengths and offsets
 * stay what they were: a log can be continued at the byte where it durably ended. What may be the beginning of a secret is held back
 * until it is clear, and given by `end`; only a single character before a line break is not waited for.
 */
export type Redactor = {
  push(bytes: Uint8Array): Uint8Array;
  end(): Uint8Array;
};

const star = 0x2a;

/** The secrets of a stage are compiled once; each of its streams gets a redactor of its own. */
export const redactorsFor = (secrets: readonly Secret[]): (() => Redactor) => {
  const forms = secrets.map(formsOf);
  const exact = automatonOf(forms.flatMap((form) => form.exact));
  const wrapped = automatonOf(forms.flatMap((form) => form.wrapped));
  if (forms.every((form) => form.exact.length === 0)) return () => ({ push: (bytes) => bytes, end: () => new Uint8Array() });

  return () => {
    const scans = [scanning(exact, false), scanning(wrapped, true)];
    let original: Uint8Array = new Uint8Array();
    let masked: Uint8Array = new Uint8Array();
    return {
      push: (bytes) => {
        const known = original.length;
        const text = Buffer.concat([original, bytes]);
        const shown = Buffer.concat([masked, bytes]);
        const clear = Math.min(...scans.map((scan) => scan(text, known, shown)));
        original = Uint8Array.from(text.subarray(clear));
        masked = Uint8Array.from(shown.subarray(clear));
        return shown.subarray(0, clear);
      },
      end: () => {
        const rest = masked;
        original = new Uint8Array();
        masked = new Uint8Array();
        return rest;
      },
    };
  };
};

/** Reads `text` from `known` on and masks what it finds in `shown`; answers how much of it is clear. */
type Scan = (text: Buffer, known: number, shown: Buffer) => number;

/** With `throughBreaks`, line breaks within a pattern are passed over, and stay. */
const scanning = ({ table, tabled, next, depth, match }: Automaton, throughBreaks: boolean): Scan => {
  let state = 0;
  /** Where in `text` the last `count` bytes before `end` begin that are part of patterns. */
  const startOf = (text: Buffer, end: number, count: number): number => {
    if (!throughBreaks) return Math.max(0, end - count);
    let at = end;
    for (let left = count; left > 0 && at > 0; ) if (!isBreak(text[--at])) left -= 1;
    return at;
  };
  return (text, known, shown) => {
    for (let at = known; at < text.length; at++) {
      const byte = text[at] ?? 0;
      if (throughBreaks && isBreak(byte)) continue;
      state = state < tabled ? (table[state * 256 + byte] ?? 0) : next(state, byte);
      const length = match[state] ?? 0;
      if (length > 0) mask(text, shown, startOf(text, at + 1, length), at + 1, throughBreaks);
    }
    const held = depth[state] ?? 0;
    return held === 1 && throughBreaks && isBreak(text.at(-1)) ? text.length : startOf(text, text.length, held);
  };
};

const mask = (text: Buffer, shown: Buffer, from: number, to: number, keepBreaks: boolean): void => {
  for (let at = from; at < to; at++) if (!keepBreaks || !isBreak(text[at])) shown[at] = star;
};

const isBreak = (byte: number | undefined): boolean => byte === 0x0a || byte === 0x0d;
