import { type Automaton, automatonOf } from './automaton.ts';
import { formsOf, type Secret } from './forms.ts';

/** Says of a stream of bytes whether one of the secrets is in it, in any form that the redactor masks, across the borders of chunks. */
export type Finder = { push(bytes: Uint8Array): boolean };

/** The secrets are compiled once; `undefined` when there is nothing to find. */
export const finderFor = (secrets: readonly Secret[]): (() => Finder) | undefined => {
  const forms = secrets.map(formsOf);
  if (forms.every((form) => form.exact.length === 0)) return undefined;
  const exact = automatonOf(forms.flatMap((form) => form.exact));
  const wrapped = automatonOf(forms.flatMap((form) => form.wrapped));
  return () => {
    const scans = [scanning(exact, false), scanning(wrapped, true)];
    let found = false;
    return {
      push: (bytes) => {
        if (!found) found = scans.some((scan) => scan(bytes));
        return found;
      },
    };
  };
};

const scanning = ({ table, tabled, next, match }: Automaton, throughBreaks: boolean): ((bytes: Uint8Array) => boolean) => {
  let state = 0;
  return (bytes) => {
    for (const byte of bytes) {
      if (throughBreaks && (byte === 0x0a || byte === 0x0d)) continue;
      state = state < tabled ? (table[state * 256 + byte] ?? 0) : next(state, byte);
      if ((match[state] ?? 0) > 0) return true;
    }
    return false;
  };
};
