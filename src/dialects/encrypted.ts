import { parsed, refused } from '../plan/problem.ts';
import { type TextShape, textAs } from './shape.ts';

const begin = '-----BEGIN AGE ENCRYPTED FILE-----';
const end = '-----END AGE ENCRYPTED FILE-----';

/** How the base64 of every age file begins: the line `age-encryption.org/v1` and the `->` of its first recipient. */
const firstCharacters = 'YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+';

/**
 * An armored age text, white space around its lines removed. Only its shape can be judged here; whether it can be decrypted shows when
 * there is a key. No message repeats any of it.
 */
export const encrypted: TextShape<string> = textAs(
  'a text encrypted with age',
  { type: 'string', pattern: `^\\s*${begin}\\s` },
  (given) => {
    const lines = given
      .trim()
      .split('\n')
      .map((line) => line.trim());
    const wrong = whatIsWrong(lines);
    if (wrong === undefined) return parsed(`${lines.join('\n')}\n`);
    return refused({
      code: 'BAD_ENCRYPTED',
      message: `The encrypted text ${wrong}.`,
      hint: 'Paste what "cion secret encrypt" prints as it is, below "encrypted: |".',
    });
  },
);

const whatIsWrong = (lines: readonly string[]): string | undefined => {
  if (lines[0] !== begin)
    return lines[0]?.startsWith(begin) ? 'stands in one line and needs its line breaks' : `does not begin with ${begin}`;
  if (lines.at(-1) !== end) return `does not end with ${end}`;
  const body = lines.slice(1, -1);
  const broken = body.findIndex((line, index) => !isBase64(line, index === body.length - 1));
  if (broken !== -1) return `is damaged in its line ${broken + 2}`;
  return body[0]?.startsWith(firstCharacters) ? undefined : 'is not one that age has encrypted';
};

/** As age writes it: lines of 64 characters, the last one perhaps shorter. */
const isBase64 = (line: string, isLast: boolean): boolean =>
  /^[A-Za-z0-9+/]+={0,2}$/.test(line) && (isLast ? line.length <= 64 && line.length % 4 === 0 : line.length === 64 && !line.endsWith('='));
