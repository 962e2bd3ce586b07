import type { Dialect } from '../dialects/dialect.ts';
import type { Plan } from '../plan/plan.ts';
import type { Parsed } from '../plan/problem.ts';
import { askedMistakes } from '../planning/asked-mistakes.ts';
import { committedTree } from '../planning/committed-tree.ts';
import { type CompiledTree, compileTree, isUnreadable, type Tree } from '../planning/compile-tree.ts';
import { directoryTree } from '../planning/directory-tree.ts';
import { type Asked, givenOf } from '../planning/given.ts';
import type { Wanted } from '../planning/selection.ts';
import type { Context } from './context.ts';
import { environmentVariables } from './given-for-look.ts';
import { printProblems } from './print-problems.ts';
import type { Project } from './project.ts';

/** The text of a project before a run of it has a number. Nothing is fetched or run for it. */
export const lookAt = (
  { env }: Context,
  { name }: Project,
  dialects: readonly Dialect[],
  asked: Asked,
  tree: Tree,
): Promise<CompiledTree | undefined> => {
  const given = givenOf({ ...asked, project: name, source: {}, variables: environmentVariables(env) });
  return compileTree(tree, dialects, given);
};

/** The files as they lie there, or those of a commit. */
export const filesAt = ({ root }: Project, commit: string | undefined): Tree =>
  commit === undefined ? directoryTree(root) : committedTree(root, commit);

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
