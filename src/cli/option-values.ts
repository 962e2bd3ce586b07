import { InvalidArgumentError } from '@commander-js/extra-typings';
import { didYouMean } from '../lib/did-you-mean.ts';
import { isRef } from '../server/forges/git-ref.ts';

/** Of an option that is repeatable. */
export const collect = (value: string, earlier: readonly string[] | undefined): readonly string[] => [...(earlier ?? []), value];

/** Of an option that is repeatable: what stages and projects may ask a worker for. */
export const labels = (value: string, earlier: readonly string[] | undefined): readonly string[] => {
  if (!/^[\w.:/-]{1,100}$/.test(value)) throw new InvalidArgumentError('A label has letters, digits and . _ : / - in it, and no spaces.');
  return collect(value, earlier);
};

/** Of known words, with commas between them or in several options. */
export const wordsOf =
  <Word extends string>(known: readonly Word[]) =>
  (value: string, earlier: readonly Word[] | undefined): readonly Word[] => {
    const words = value.split(',').map((text) => {
      const word = known.find((one) => one === text.trim());
      if (word === undefined) throw new InvalidArgumentError(didYouMean(text.trim(), known) ?? '');
      return word;
    });
    return [...new Set([...(earlier ?? []), ...words])];
  };

export const anyNumber = (text: string): number => {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError('Not a whole number from -999999999 to 999999999.');
  return Number(text);
};

export const wholeNumber = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Not a whole number from 0 to 999999999.');
  return Number(text);
};

export const atLeastOne = (text: string): number => {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError('It must be at least 1.');
  return value;
};

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;

/** In milliseconds. */
export const age = (text: string): number => {
  const match = /^(\d{1,6})([mhdw])$/.exec(text);
  const unit = match?.[2] as keyof typeof unitMs | undefined;
  if (unit === undefined) throw new InvalidArgumentError('Write a number and m, h, d or w, e.g. 30d.');
  return Number(match?.[1]) * unitMs[unit];
};

/** Of a branch, `main` or `refs/heads/main`, or of a tag, `refs/tags/V1`: the ref as git has it. */
export const fullRef = (value: string): string => {
  const ref = value.startsWith('refs/') ? value : `refs/heads/${value}`;
  if (isRef(ref) && /^refs\/(?:heads|tags)\//.test(ref)) return ref;
  throw new InvalidArgumentError('Write a branch, main, or a tag, refs/tags/V1.');
};

/** Of a branch, without the `refs/heads/` that it may have. */
export const branchName = (value: string): string => {
  const name = value.replace(/^refs\/heads\//, '');
  if (isRef(`refs/heads/${name}`) && !name.startsWith('refs/')) return name;
  throw new InvalidArgumentError('Write the name of a branch, main.');
};
