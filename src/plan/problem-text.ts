import { printable } from '../lib/printable.ts';
import { codeFrame, type FrameLine } from './code-frame.ts';
import type { Problem } from './problem.ts';

/** A line of a printed Problem; a printer may colour it by its part. All text is safe to show on a terminal. */
export type ProblemLine = FrameLine | { readonly part: 'place' | 'message' | 'hint' | 'docs' | 'gap'; readonly text: string };

/** A warning keeps nothing from running. */
export type ProblemKind = 'problem' | 'warning';

/**
 * A Problem, or a warning, as people read it: place and code, message, excerpt, hint, where to read on. `source` is the text of the file that the
 * range names; without it there is no excerpt.
 */
export const problemLines = (problem: Problem, source?: string, kind: ProblemKind = 'problem'): readonly ProblemLine[] => {
  const frame = problem.range === undefined || source === undefined ? [] : codeFrame(source, problem.range);
  return [
    { part: 'place', text: `${placeOf(problem)}${kind === 'warning' ? 'warning: ' : ''}${problem.code}` },
    { part: 'message', text: printable(problem.message) },
    ...(frame.length > 0 ? [gap, ...frame, gap] : []),
    ...(problem.hint === undefined ? [] : [{ part: 'hint' as const, text: `hint: ${printable(problem.hint)}` }]),
    { part: 'docs', text: `docs: docs/errors.md#${problem.code.toLowerCase()}` },
  ];
};

/** The lines of `problemLines`, each ended. */
export const problemText = (problem: Problem, source?: string, kind?: ProblemKind): string =>
  problemLines(problem, source, kind)
    .map((line) => `${line.text}\n`)
    .join('');

const gap: ProblemLine = { part: 'gap', text: '' };

const placeOf = ({ range }: Problem): string =>
  range === undefined ? '' : `${printable(range.file)}:${range.start.line}:${range.start.column}: `;
