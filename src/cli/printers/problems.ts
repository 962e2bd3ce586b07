import { assertNever } from '../../lib/assert-never.ts';
import type { Problem } from '../../plan/problem.ts';
import { type ProblemKind, type ProblemLine, problemLines } from '../../plan/problem-text.ts';
import type { Paint, Palette } from './colour.ts';
import type { Look } from './look.ts';

/** A Problem in the colours of its parts, a warning in one of its own. `source` is the text of the file that its range names. */
export const problemInColour = (problem: Problem, source: string | undefined, look: Look, kind: ProblemKind): string[] =>
  problemLines(problem, source, kind).map(({ part, text }) => (text === '' ? '' : paintOf(part, kind, look.palette)(text)));

const paintOf = (part: ProblemLine['part'], kind: ProblemKind, palette: Palette): Paint => {
  switch (part) {
    case 'place':
      return kind === 'warning' ? (text) => palette.strong(palette.warning(text)) : palette.strong;
    case 'message':
    case 'caret':
      return kind === 'warning' ? palette.warning : palette.error;
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
