import { automatonOf } from './automaton.ts';
import { formsOf } from './forms.ts';

/**
 * Masks secrets in one stream of bytes, also across the borders of chunks. Each byte of a secret becomes a `*`, so lengths and offsets
 * stay what they were: a log can be continued at the byte where it durably ended. What may be the beginning of a secret is held back
 * until it is clear, and given by `end`.
 */
export type Redactor = {
  push(bytes: Uint8Array): Uint8Array;
  end(): Uint8Array;
};

const star = 0x2a;

/** The secrets of a stage are compiled once; each of its streams gets a redactor of its own. */
export const redactorsFor = (secrets: readonly string[]): (() => Redactor) => {
  const forms = secrets.flatMap(formsOf);
  if (forms.length === 0) return () => ({ push: (bytes) => bytes, end: () => new Uint8Array() });
  const { next, depth, match } = automatonOf(forms);

  return () => {
    let state = 0;
    let held: Uint8Array = new Uint8Array();
    return {
      push: (bytes) => {
        const buffer = held.length === 0 ? Buffer.from(bytes) : Buffer.concat([held, bytes]);
        for (let i = held.length; i < buffer.length; i++) {
          state = next[state * 256 + (bytes[i - held.length] ?? 0)] ?? 0;
          const length = match[state] ?? 0;
          if (length > 0) buffer.fill(star, i + 1 - length, i + 1);
        }
        const clear = buffer.length - (depth[state] ?? 0);
        held = Uint8Array.from(buffer.subarray(clear));
        return buffer.subarray(0, clear);
      },
      end: () => {
        const rest = held;
        held = new Uint8Array();
        state = 0;
        return rest;
      },
    };
  };
};
