import type { ConfigFile } from '../dialects/dialect.ts';
import { problemLines, type ProblemLine } from '../plan/problem-text.ts';
import type { Problem } from '../plan/problem.ts';
import type { Context } from './context.ts';
import type { Paint, Palette } from './printers/colour.ts';
import { look } from './printers/look.ts';
import { write } from './write.ts';

/** Problems with the excerpt of the text that they are about, on stderr. */
export const printProblems = async (
  { stderr, env }: Context,
  problems: readonly Problem[],
  files: readonly ConfigFile[],
): Promise<void> => {
  const { palette } = look({ env, isTTY: stderr.isTTY, columns: stderr.columns });
  for (const problem of problems) {
    const file = files.find(({ path }) => path === problem.range?.file);
    const source = file === undefined ? undefined : new TextDecoder().decode(file.bytes);
    const lines = problemLines(problem, source).map(({ part, text }) => paintOf(part, palette)(text));
    await write(stderr, `${lines.join('\n')}\n\n`);
  }
};

const paintOf = (part: ProblemLine['part'], palette: Palette): Paint => {
  switch (part) {
    case 'place':
      return palette.strong;
    case 'message':
    case 'caret':
      return palette.error;
    case 'hint':
      return palette.accent;
    case 'docs':
    case 'context':
      return palette.quiet;
    case 'code':
    case 'gap':
      return (text) => text;
  }
};
