import { assertNever } from '../../lib/assert-never.ts';
import type { Problem } from '../../plan/problem.ts';
import { type ProblemLine, problemLines } from '../../plan/problem-text.ts';
import type { Paint, Palette } from './colour.ts';
import type { Look } from './look.ts';

/** A Problem in the colours of its parts. `source` is the text of the file that its range names. */
export const problemInColour = (problem: Problem, source: string | undefined, look: Look): string[] =>
  problemLines(problem, source).map(({ part, text }) => (text === '' ? '' : paintOf(part, look.palette)(text)));

const paintOf = (part: ProblemLine['part'], palette: Palette): Paint => {
  switch (part) {
    case 'place':
      return palette.strong;
    case 'message':
    case 'caret':
      return palette.error;
    case 'hint':
      return palette.accent;
    case 'context':
    case 'docs':
      return palette.quiet;
    case 'code':
    case 'gap':
      return String;
    default:
      return assertNever(part);
  }
};
