import { parsed, refused } from '../plan/problem.ts';
import { quoted } from './quoted.ts';
import { type TextShape, textAs } from './shape.ts';

export const user: TextShape<string> = textAs('a user', { type: ['string', 'integer'] }, (given) =>
  /^[A-Za-z0-9_][\w.-]*(:[A-Za-z0-9_][\w.-]*)?$/.test(given)
    ? parsed(given)
    : refused({ code: 'WRONG_VALUE', message: `${quoted(given)} is not a user.`, hint: 'Write it like node, 1000 or 1000:1000.' }),
);
