import { assertNever } from '../../lib/assert-never.ts';
import type { Paint, Palette } from './colour.ts';
import type { Look } from './look.ts';

/** A line of a Problem made into text, by its part; its text is safe to show. */
export type ProblemPart = {
  readonly part: 'place' | 'message' | 'context' | 'code' | 'caret' | 'hint' | 'docs' | 'gap';
  readonly text: string;
};

/** Problems in the colours of their parts, with an empty line between them. */
export const problems = (all: readonly (readonly ProblemPart[])[], look: Look): string[] =>
  all.flatMap((lines, index) => [
    ...(index === 0 ? [] : ['']),
    ...lines.map(({ part, text }) => (text === '' ? '' : paintOf(part, look.palette)(text))),
  ]);

const paintOf = (part: ProblemPart['part'], palette: Palette): Paint => {
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
