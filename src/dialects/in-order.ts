import type { Problem } from '../plan/problem.ts';

/** By place in the text, each once (aliases repeat them); of a great many only the first, since nobody reads more. */
export const inOrder = (problems: readonly Problem[]): readonly Problem[] =>
  [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()]
    .sort((a, b) => lineOf(a) - lineOf(b) || columnOf(a) - columnOf(b))
    .slice(0, most);

const most = 100;

const lineOf = ({ range }: Problem): number => range?.start.line ?? 0;
const columnOf = ({ range }: Problem): number => range?.start.column ?? 0;
