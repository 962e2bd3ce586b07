/** A test that says by its name which requirements it proves. */
export type Evidence = { readonly id: string; readonly test: string; readonly file: string };

/** The tests of a file that name requirements, as `… (R-CIO-42, R-CIO-43)` at the end of a name; skipped tests prove nothing. */
export const evidenceIn = (file: string, text: string): readonly Evidence[] =>
  text.split('\n').flatMap((line) => {
    if (/^\s*(?:\/\/|\/?\*)/.test(line) || /\.(?:skip|todo)\b|\b(?:skip|todo):/.test(line)) return [];
    return Array.from(line.matchAll(named), ([, , test = '', ids = '']) => ids.split(', ').map((id) => ({ id, test, file }))).flat();
  });

const id = String.raw`R-[A-Z]{3}-\d+`;
const named = new RegExp(String.raw`(['"\`])((?:(?!\1).)*?)\s*\((${id}(?:, ${id})*)\)`, 'g');

/** Every requirement id that a text mentions. */
export const idsIn = (text: string): readonly string[] => Array.from(text.matchAll(/\bR-(?:CIO|DCK|DCO|WRK|WLD)-\d+/g), ([found]) => found);
