import type { Dialect } from '../dialects/dialect.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { Refusal } from './refusal.ts';

/** All dialects, or the one that is asked for. */
export const chooseDialects = (dialects: readonly Dialect[], name: string | undefined): readonly Dialect[] => {
  if (name === undefined) return dialects;
  const chosen = dialects.filter((dialect) => dialect.name === name);
  if (chosen.length > 0) return chosen;
  const names = dialects.map((dialect) => dialect.name);
  throw new Refusal('DIALECT_UNKNOWN', `There is no dialect "${name}".`, didYouMean(name, names));
};

/** The files that any of them would read, for people. */
export const filesOf = (dialects: readonly Dialect[]): string => dialects.map(({ reads }) => reads).join(' and no ');

/** What to do where there is none of them. */
export const howToBegin = (dialects: readonly Dialect[]): string =>
  dialects.some(({ name }) => name === 'cion')
    ? '"cion init" writes one that fits the project.'
    : 'The shortest is "hello: { img: busybox, run: echo hello }".';
