import type { Dialect } from '../dialects/dialect.ts';
import type { Plan } from '../plan/plan.ts';
import type { Parsed } from '../plan/problem.ts';
import { askedMistakes } from '../planning/asked-mistakes.ts';
import { committedTree } from '../planning/committed-tree.ts';
import { type CompiledTree, compileTree, isUnreadable } from '../planning/compile-tree.ts';
import { directoryTree } from '../planning/directory-tree.ts';
import { type Asked, givenOf } from '../planning/given.ts';
import type { Wanted } from '../planning/selection.ts';
import type { Context } from './context.ts';
import { environmentVariables } from './given-for-look.ts';
import { printProblems } from './print-problems.ts';
import type { Project } from './project.ts';

/** The text of a project as it lies there, or of a commit of it, before a run of it has a number. Nothing is fetched or run for it. */
export const lookAt = (
  { env }: Context,
  { root, name }: Project,
  dialects: readonly Dialect[],
  asked: Asked,
  commit: string | undefined,
): Promise<CompiledTree | undefined> => {
  const given = givenOf({ ...asked, project: name, source: {}, variables: environmentVariables(env) });
  return compileTree(commit === undefined ? directoryTree(root) : committedTree(root, commit), dialects, given);
};

/** Whether it cannot be read, or has not what was asked for: that is said, and takes no number of a run. */
export const isRefused = async (
  context: Context,
  text: CompiledTree,
  wanted: Wanted,
  shape: (plan: Plan) => Parsed<Plan>,
): Promise<boolean> => {
  const { compiled, files } = text;
  const problems = !compiled.ok && isUnreadable(text) ? compiled.problems : askedMistakes(compiled, wanted, shape);
  await printProblems(context, problems, files);
  return problems.length > 0;
};
