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
