import { parsed, refused } from '../plan/problem.ts';
import { quoted } from './quoted.ts';
import { type TextShape, textAs } from './shape.ts';

export const wholeNumber = (least: number, most: number): TextShape<number> =>
  numberShape(/^\d{1,9}$/, least, most, { type: 'integer', minimum: least, maximum: most }, `a whole number from ${least} to ${most}`);

export const decimalNumber = (least: number, most: number): TextShape<number> =>
  numberShape(/^\d{1,9}(\.\d{1,9})?$/, least, most, { type: 'number', minimum: least, maximum: most }, `a number from ${least} to ${most}`);

const numberShape = (
  form: RegExp,
  least: number,
  most: number,
  schema: Readonly<Record<string, unknown>>,
  what: string,
): TextShape<number> =>
  textAs(what, schema, (given) => {
    const value = Number(given);
    if (form.test(given) && value >= least && value <= most) return parsed(value);
    return refused({ code: 'WRONG_VALUE', message: `${quoted(given)} is not ${what}.` });
  });
