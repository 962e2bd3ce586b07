import { parsed, refused } from '../../plan/problem.ts';
import { quoted } from '../quoted.ts';
import { type Shape, type TextShape, textAs } from '../shape.ts';
import type { Range } from '../../plan/problem.ts';

/** Names that mean something else: keys at the top of a file, directories of a stage, what a stage may wait for, cion's own. */
const reserved: readonly string[] = ['after', 'meta', 'out', 'source', 'human-click', 'fetch'];

const longestBytes = 100;
const unusable = /[/\\@:={}\p{Cc}]|^[-.]|^\s|\s$/u;

/** Any name that can be a file's and stands by itself in `out/<name>`, `{name}` and `name:path`. */
export const stageName: TextShape<string> = textAs('a stage’s name', { type: 'string' }, (given) => {
  if (reserved.includes(given)) {
    const hint = `Choose another name; reserved are: ${reserved.join(', ')}.`;
    return refused({ code: 'RESERVED_NAME', message: `No stage can be called ${quoted(given)}.`, hint });
  }
  if (given === '' || unusable.test(given)) {
    const hint = 'It may have any characters but "/", "\\", "@", ":", "=", "{", "}" and control characters; no "-" or "." at its start.';
    return refused({ code: 'BAD_NAME', message: `${quoted(given)} is not a stage’s name.`, hint });
  }
  if (Buffer.byteLength(given) > longestBytes) {
    return refused({ code: 'BAD_NAME', message: `The name ${quoted(given)} is longer than ${longestBytes} bytes.`, hint: 'Shorten it.' });
  }
  return parsed(given);
});

/** The schema's form of the same. */
export const stageNameSchema = {
  type: 'string',
  minLength: 1,
  maxLength: longestBytes,
  pattern: `^(?!(${reserved.join('|')})$)(?![-.\\s])[^/\\\\@:={}]+$`,
};

/** A value and the range of the text itself, not that of its key. */
export type Said<T> = { readonly value: T; readonly range: Range };

export const said = <T>(shape: TextShape<T>): TextShape<Said<T>> => ({
  ...saidShape(shape),
  what: shape.what,
});

export const saidShape = <T>(shape: Shape<T>): Shape<Said<T>> => ({
  schema: shape.schema,
  read: (node, place) => {
    const value = shape.read(node, place);
    return value === undefined ? undefined : { value, range: node.range };
  },
});
