import { constants } from 'node:os';

/**
 * The codes of Problems and errors that a source text makes: `code: 'X'`, the first argument of an error's or a Problem's maker, and the
 * members of a type whose name ends in `Code`. Codes of the operating system and of Node are not ours.
 */
export const codesIn = (text: string): readonly string[] => [
  ...new Set([
    ...first(text, /\bcode: (['"])([A-Z][A-Z0-9_]+)\1/g, 2),
    ...first(text, /\b(?:\w*[pP]roblem\w*|\w*Error|Refusal|refuse\w*)\(\s*(['"])([A-Z][A-Z0-9_]+)\1/g, 2),
    ...Array.from(text.matchAll(/\btype \w*Code =([^;]*);/g), ([, union = '']) => first(union, /'([A-Z][A-Z0-9_]+)'/g, 1)).flat(),
  ]),
];

const first = (text: string, pattern: RegExp, group: number): readonly string[] =>
  Array.from(text.matchAll(pattern), (match) => match[group] ?? '').filter((code) => !isForeign(code));

const isForeign = (code: string): boolean => code in constants.errno || code.startsWith('ERR_');

/** The codes that a page lists as `### CODE`, with what it says of each. */
export const codesOn = (page: string): readonly { readonly code: string; readonly text: string }[] =>
  page
    .split(/^### /m)
    .slice(1)
    .map((part) => {
      const [code = '', ...text] = part.split('\n');
      return { code: code.trim(), text: text.join('\n').split(/^#/m)[0]?.trim() ?? '' };
    });
