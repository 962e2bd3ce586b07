import { didYouMean } from '../lib/did-you-mean.ts';
import type { Compiled } from '../dialects/dialect.ts';
import { selectionOf } from '../plan/graph.ts';
import { type Parsed, type Problem, parsed, refused } from '../plan/problem.ts';

export type Wanted = {
  /** These and all that they need. */
  readonly targets: readonly string[];
  /** Exactly these. */
  readonly only: readonly string[];
};

/** Which nodes a run is about; `undefined`: all of them. `names` are further ones that a target may have. An unknown name is a Problem (R-DCK-52). */
export const selectNodes = (
  { plan, names: further = new Map() }: Pick<Compiled & { readonly ok: true }, 'plan' | 'names'>,
  { targets, only }: Wanted,
): Parsed<readonly string[] | undefined> => {
  const names = new Set([...plan.nodes.map((node) => node.name), ...further.keys()]);
  const meant = (given: readonly string[]): readonly string[] => given.flatMap((name) => further.get(name) ?? [name]);
  const problems = [...targets, ...only].filter((name) => !names.has(name)).map((name) => unknownTarget(name, names));
  if (problems.length > 0) return refused(...problems);
  if (targets.length === 0 && only.length === 0) return parsed(undefined);
  const wanted = new Set([...selectionOf(plan, meant(targets)), ...meant(only)]);
  return parsed(plan.nodes.map((node) => node.name).filter((name) => wanted.has(name)));
};

const unknownTarget = (name: string, names: ReadonlySet<string>): Problem => {
  const hint = didYouMean(name, names);
  return { code: 'TARGET_UNKNOWN', message: `There is no stage "${name}".`, ...(hint === undefined ? {} : { hint }) };
};
