import stringWidth from 'string-width';
import { printable } from '../lib/printable.ts';
import type { Range } from './problem.ts';

/** A line of the excerpt. `code` and `caret` have the same left margin, so that the marks stand below what they mean. */
export type FrameLine = { readonly part: 'context' | 'code' | 'caret'; readonly text: string };

/**
 * The lines around the range's start, with numbers and marks below what is meant. Tabs, wide characters and control characters keep
 * the marks in place; of very long lines the surroundings of the range are shown. Empty when the source has no such line.
 */
export const codeFrame = (source: string, range: Range): readonly FrameLine[] => {
  const lines = withoutByteOrderMark(source)
    .split('\n')
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  const marked = Math.min(range.start.line, lines.length);
  const first = Math.max(1, marked - contextLines);
  const last = Math.min(marked + contextLines, lines.length - (lines.at(-1) === '' && marked < lines.length ? 1 : 0));
  const margin = String(last).length;
  return Array.from({ length: last - first + 1 }, (_, i) => first + i).flatMap((number): readonly FrameLine[] => {
    const line = lines[number - 1] ?? '';
    const gutter = String(number).padStart(margin);
    if (number !== marked) return [{ part: 'context', text: `  ${gutter} | ${clipped(line, 0, 0).text}`.trimEnd() }];
    const { text, before, marks } = clipped(line, ...columnsOf(range, line));
    return [
      { part: 'code', text: `> ${gutter} | ${text}`.trimEnd() },
      { part: 'caret', text: `  ${' '.repeat(margin)} | ${' '.repeat(before)}${'^'.repeat(Math.max(1, marks))}` },
    ];
  });
};

const withoutByteOrderMark = (source: string): string => (source.startsWith('\ufeff') ? source.slice(1) : source);

const contextLines = 2;
/** UTF-16 units that are shown of a line before and from the mark on. */
const unitsBefore = 60;
const unitsAfter = 80;
const tab = '→   ';

const columnsOf = (range: Range, line: string): readonly [start: number, end: number] => {
  const start = wholeCharacter(line, Math.min(range.start.column - 1, line.length));
  const end = range.end.line === range.start.line ? Math.min(range.end.column - 1, line.length) : line.length;
  return [start, Math.max(start, wholeCharacter(line, end))];
};

/** The part of the line around `start`, printable, with the widths in terminal columns of what is before and in the mark. */
const clipped = (line: string, start: number, end: number): { readonly text: string; readonly before: number; readonly marks: number } => {
  const from = start > unitsBefore ? wholeCharacter(line, start - unitsBefore) : 0;
  const to = line.length > start + unitsAfter ? wholeCharacter(line, start + unitsAfter) : line.length;
  const before = (from > 0 ? '…' : '') + shown(line.slice(from, start));
  const marked = shown(line.slice(start, Math.min(end, to)));
  const after = shown(line.slice(Math.min(end, to), to)) + (to < line.length ? '…' : '');
  return { text: before + marked + after, before: stringWidth(before), marks: stringWidth(marked.trimEnd()) };
};

const shown = (text: string): string => text.split('\t').map(printable).join(tab);

/** Not between the two halves of a surrogate pair. */
const wholeCharacter = (line: string, index: number): number =>
  index > 0 && /[\udc00-\udfff]/.test(line.charAt(index)) ? index - 1 : index;
