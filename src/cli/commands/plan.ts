import { basename, join } from 'node:path';
import { dialects as allDialects } from '../../dialects/dialects.ts';
import { planDigest } from '../../plan/digest.ts';
import type { Plan } from '../../plan/plan.ts';
import { chooseDialects } from '../choose-dialects.ts';
import { filesOf, howToBegin } from '../../planning/configuration-files.ts';
import { compileTree, type Tree } from '../../planning/compile-tree.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { askedOf, givenForLook, type PipelineOptions } from '../given-for-look.ts';
import { looks } from '../looks.ts';
import { printProblems } from '../print-problems.ts';
import { graph } from '../printers/graph.ts';
import { mermaid as mermaidLines } from '../printers/mermaid.ts';
import { visible } from '../printers/visible.ts';
import { projectRoot } from '../project.ts';
import { directoryTree } from '../../planning/directory-tree.ts';
import { selectNodes } from '../../planning/selection.ts';
import { withCommitTree } from '../snapshots.ts';
import { writeLines } from '../write.ts';
import { withSteps } from '../../planning/with-steps.ts';
import type { StepOptions } from './open-steps.ts';
import { stepByOf } from './step-by.ts';
import { withPackages } from './with-packages.ts';

export type PlanOptions = PipelineOptions &
  StepOptions & {
    readonly commit?: string;
    readonly json?: true;
    readonly mermaid?: true;
    readonly dialect?: string;
  };

export const plan = async (context: Context, targets: readonly string[], options: PlanOptions): Promise<ExitCode> => {
  const root = await projectRoot(context);
  const { commit } = options;
  const print = (tree: Tree): Promise<ExitCode> => printPlan(context, tree, root, targets, options);
  return commit === undefined ? print(directoryTree(root)) : withCommitTree(root, commit, AbortSignal.timeout(maxMs), print);
};

const maxMs = 10 * 60_000;

const printPlan = async (
  context: Context,
  tree: Tree,
  root: string,
  targets: readonly string[],
  options: PlanOptions,
): Promise<ExitCode> => {
  const dialects = chooseDialects(allDialects, options.dialect);
  const { commit } = options;
  const given = await givenForLook(context, {
    root,
    name: basename(root),
    ...askedOf(options),
    ...(commit === undefined ? {} : { commit }),
  });
  const stepBy = stepByOf(context, { root, stateDir: join(root, '.cion') }, options, AbortSignal.timeout(maxMs), (line) => {
    context.stderr.write(`cion: ${visible(line)}\n`);
  });
  const compiledTree = await withSteps(stepBy, (steps) =>
    withPackages(context, (printedBy) => compileTree(tree, dialects, { ...given, steps }, printedBy)),
  );
  if (compiledTree === undefined) {
    context.stderr.write(`There is nothing to plan: ${commit ?? root} has no ${filesOf(dialects)}.\n${howToBegin(dialects)}\n`);
    return exitCodes.passed;
  }
  const { compiled, files } = compiledTree;
  if (compiled.ok) await printProblems(context, compiled.warnings, files, 'warning');
  else await printProblems(context, compiled.problems, files);
  if (!compiled.ok) return exitCodes.refused;
  const selected = selectNodes(compiled, { targets, only: [] });
  if (!selected.ok) {
    await printProblems(context, selected.problems, files);
    return exitCodes.refused;
  }
  const wanted = selected.value === undefined ? compiled.plan : restrictedTo(compiled.plan, new Set(selected.value));
  await writeLines(context.stdout, linesOf(wanted, options, context));
  return exitCodes.passed;
};

const linesOf = (plan: Plan, { json, mermaid }: PlanOptions, context: Context): readonly string[] => {
  if (json) return [JSON.stringify({ digest: planDigest(plan), plan }, undefined, 2)];
  return mermaid ? mermaidLines(plan) : graph(plan, looks(context));
};

const restrictedTo = (whole: Plan, names: ReadonlySet<string>): Plan => ({
  ...whole,
  nodes: whole.nodes.filter((node) => names.has(node.name)),
});
