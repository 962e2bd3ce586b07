import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { printProblems } from '../print-problems.ts';
import { visible } from '../printers/visible.ts';
import { writeLines } from '../write.ts';
import { openProject } from './open-project.ts';
import { openSteps, type StepOptions } from './open-steps.ts';

const maxMs = 10 * 60_000;

/** Fetches a step as a run would, and says what it came to. */
export const stepFetch = async (context: Context, reference: string, options: StepOptions): Promise<ExitCode> => {
  const project = await openProject(context);
  const { source } = await openSteps(context, project, options, (line) => void context.stdout.write(`${visible(line)}\n`));
  const fetched = await source.fetch(reference, AbortSignal.timeout(maxMs));
  if (fetched.ok) return exitCodes.passed;
  await printProblems(context, fetched.problems, []);
  return exitCodes.refused;
};

/** What a step is: its version, its files, and what it says of itself. */
export const stepShow = async (context: Context, reference: string, options: StepOptions): Promise<ExitCode> => {
  const project = await openProject(context);
  const { source } = await openSteps(context, project, options, (line) => void context.stderr.write(`cion: ${visible(line)}\n`));
  const fetched = await source.fetch(reference, AbortSignal.timeout(maxMs));
  if (!fetched.ok) {
    await printProblems(context, fetched.problems, []);
    return exitCodes.refused;
  }
  const { owner, name, version, tree, files, manifest } = fetched.value;
  const text = manifest === undefined ? [] : new TextDecoder().decode(manifest.bytes).trimEnd().split('\n');
  await writeLines(context.stdout, [
    `${owner}/${name}${version === undefined ? '' : `@${version}`}`,
    `sha256:${tree}`,
    `files: ${visible(files.join(', '))}`,
    ...(manifest === undefined ? [] : ['', `${manifest.path}:`, ...text.map((line) => `  ${visible(line)}`)]),
  ]);
  return exitCodes.passed;
};
