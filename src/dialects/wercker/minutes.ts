import { quoted } from '../quoted.ts';
import { blame, type Shape, wrongType } from '../shape.ts';
import { isNothing } from './nothing.ts';

const mostMinutes = 60;

/** Minutes as milliseconds, at most an hour; `null` where the usual limit holds. */
export const minutes: Shape<number | null> = {
  schema: { type: ['number', 'null'], exclusiveMinimum: 0, maximum: mostMinutes },
  read: (node, place) => {
    if (isNothing(node)) return null;
    if (node.kind !== 'scalar') return wrongType(node, place, 'a number of minutes');
    const value = Number(node.text);
    if (!/^-?\d{1,9}(\.\d{1,9})?$/.test(node.text)) {
      const message = `${quoted(node.text)} is not a number of minutes.`;
      return blame(place, { code: 'WRONG_VALUE', message, hint: 'Write it like 15.' }, node.range);
    }
    if (value <= 0) {
      blame(place, { code: 'LIMIT_UNUSED', message: `"${place.path}" must be more than 0; the usual limit holds.` }, node.range);
      return null;
    }
    if (value > mostMinutes) {
      blame(place, { code: 'LIMIT_UNUSED', message: `"${place.path}" is at most ${mostMinutes} minutes, and so it is taken.` }, node.range);
    }
    return Math.min(value, mostMinutes) * 60_000;
  },
};
