import type { ShellValue } from '../../../plan/plan.ts';
import { RuntimeError } from '../../runtime-error.ts';

/** A word of the shell that is this text, whatever is in it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export const valueText = (value: ShellValue): string => {
  const text = value.kind === 'literal' ? quoted(value.value) : value.kind === 'expanded' ? filled(value.text) : undefined;
  if (text === undefined) throw new RuntimeError('UNSUPPORTED', `nobody said what a variable of kind "${value.kind}" is`);
  if (text.includes('\0')) throw new RuntimeError('UNSUPPORTED', 'a variable cannot hold a NUL');
  return text;
};

/** A word in which the shell fills `$NAME` and `${…}`; nothing in it is ever run. */
export const filled = (text: string): string => `"${scan(text, 0, '').out}"`;

type Scanned = { readonly out: string; readonly end: number };

/** Up to an unquoted `until`, or to the end. */
const scan = (text: string, from: number, until: '' | '}', inPattern = false): Scanned => {
  let out = '';
  let at = from;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === until) return { out, end: at };
    if (char === '$') {
      const name = /^\$[A-Za-z_]\w*/.exec(text.slice(at, at + longestName))?.[0];
      const expansion = name === undefined ? braced(text, at) : { out: name, end: at + name.length };
      out += expansion?.out ?? '\\$';
      at = expansion?.end ?? at + 1;
      continue;
    }
    out += (inPattern ? patternSpecial : special).has(char) ? `\\${char}` : char;
    at += 1;
  }
  return { out, end: at };
};

const longestName = 1000;
const special = new Set(['\\', '"', '`']);
/** Words that are patterns are read by rules of their own: quotes count in them, and bash starts `<(…)`. */
const patternSpecial = new Set([...special, "'", '<', '>', '(', ')']);

/**
 * `${…}` where it is certain that it runs nothing. Left out are those that evaluate a value (`${!x}`, `${x@P}`, computed offsets and
 * subscripts): their `$` is a plain character.
 */
const braced = (text: string, from: number): Scanned | undefined => {
  const rest = text.slice(from);
  const whole = /^\$\{(?:#?[A-Za-z_]\w*|[A-Za-z_]\w*(?:\[(?:@|\*|\d+)\]|\^\^?|,,?|: ?-?\d+(?:: ?-?\d+)?))\}/.exec(rest)?.[0];
  if (whole !== undefined) return { out: whole, end: from + whole.length };
  const [head, operator = ''] = /^\$\{[A-Za-z_]\w*(:?[-=?+]|##?|%%?|\/[/#%]?)/.exec(rest) ?? [];
  if (head === undefined) return undefined;
  const word = scan(text, from + head.length, '}', /[#%/]/.test(operator));
  return text.charAt(word.end) === '}' ? { out: `${head}${word.out}}`, end: word.end + 1 } : undefined;
};
