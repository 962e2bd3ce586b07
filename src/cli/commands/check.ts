import { basename, join } from 'node:path';
import { dialects as allDialects } from '../../dialects/dialects.ts';
import { chooseDialects } from '../choose-dialects.ts';
import { filesOf, howToBegin } from '../../planning/configuration-files.ts';
import { compileTree } from '../../planning/compile-tree.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { askedOf, givenForLook, type PipelineOptions } from '../given-for-look.ts';
import { printProblems } from '../print-problems.ts';
import { visible } from '../printers/visible.ts';
import { list } from '../printers/words.ts';
import { plural } from '../../lib/quantities.ts';
import { projectRoot } from '../project.ts';
import { directoryTree } from '../../planning/directory-tree.ts';
import { withSteps } from '../../planning/with-steps.ts';
import type { StepOptions } from './open-steps.ts';
import { stepByOf } from './step-by.ts';
import { withPackages } from './with-packages.ts';

export type CheckOptions = PipelineOptions & StepOptions & { readonly dialect?: string };

export const check = async (context: Context, options: CheckOptions): Promise<ExitCode> => {
  const dialects = chooseDialects(allDialects, options.dialect);
  const root = await projectRoot(context);
  const given = await givenForLook(context, { root, name: basename(root), ...askedOf(options) });
  const stepBy = stepByOf(context, { root, stateDir: join(root, '.cion') }, options, AbortSignal.timeout(maxMs), (line) => {
    context.stderr.write(`cion: ${visible(line)}\n`);
  });
  const tree = await withSteps(stepBy, (steps) =>
    withPackages(context, (printedBy) => compileTree(directoryTree(root), dialects, { ...given, steps }, printedBy)),
  );
  if (tree === undefined) {
    context.stdout.write(`There is nothing to check: ${root} has no ${filesOf(dialects)}.\n${howToBegin(dialects)}\n`);
    return exitCodes.passed;
  }
  const { compiled, files } = tree;
  if (compiled.ok) await printProblems(context, compiled.warnings, files, 'warning');
  else await printProblems(context, compiled.problems, files);
  const names = list(files.map(({ path }) => path));
  if (!compiled.ok) {
    context.stderr.write(`${names}: ${plural(compiled.problems.length, 'problem')}\n`);
    return exitCodes.refused;
  }
  const told = compiled.warnings.length === 0 ? '' : `${plural(compiled.warnings.length, 'warning')}, `;
  context.stdout.write(`${names}: no problems, ${told}${plural(compiled.plan.nodes.length, 'stage')}\n`);
  return exitCodes.passed;
};

const maxMs = 10 * 60_000;
