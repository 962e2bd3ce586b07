import type { ConfigFile } from '../dialects/dialect.ts';
import type { ProblemKind } from '../plan/problem-text.ts';
import type { Problem } from '../plan/problem.ts';
import type { Context } from './context.ts';
import { look } from './printers/look.ts';
import { problemInColour } from './printers/problems.ts';
import { writeAside } from './write.ts';

/** Problems, or warnings, with the excerpt of the text that they are about, on stderr. */
export const printProblems = async (
  { stderr, env }: Context,
  problems: readonly Problem[],
  files: readonly ConfigFile[],
  kind: ProblemKind = 'problem',
): Promise<void> => {
  const how = look({ env, isTTY: stderr.isTTY, columns: stderr.columns });
  for (const problem of problems) {
    const file = files.find(({ path }) => path === problem.range?.file);
    const source = file === undefined ? undefined : new TextDecoder().decode(file.bytes);
    await writeAside(stderr, `${problemInColour(problem, source, how, kind).join('\n')}\n\n`);
  }
};
