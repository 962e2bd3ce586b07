import { assertNever } from '../../lib/assert-never.ts';
import type { Paint } from './colour.ts';
import { cut, cutPath, widest, width, wrap } from './fit.ts';
import type { Look } from './look.ts';

/** Text must be `visible` and without colours; `paint` is applied when everything has its place. */
export type Cell = string | { readonly text: string; readonly paint?: Paint };

export type Column = {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Narrowest that it may become when the table does not fit; absent: it is never cut. */
  readonly min?: number;
  /** What becomes of text that is wider: its end is cut (the default), its beginning, or it is broken into lines. */
  readonly wide?: 'cut-end' | 'cut-start' | 'wrap';
};

/** Aligned columns with a gap of two; the widest that may be cut are cut first until all fit. Without rows: no lines, no titles. */
export const table = (columns: readonly Column[], rows: readonly (readonly Cell[])[], look: Look): string[] => {
  if (rows.length === 0) return [];
  const used = columns.map((column, index) => ({ column, index })).filter(({ index }) => rows.some((row) => textOf(row[index]) !== ''));
  const wanted = used.map(({ column, index }) => Math.max(width(column.title), widest(rows.map((row) => textOf(row[index])))));
  const widths = shrink(
    wanted,
    used.map(({ column }) => column.min),
    look.columns - indent.length - gap.length * (used.length - 1),
  );
  const row = (cells: readonly Cell[], paintAll?: Paint): string[] => {
    const shown = used.map(({ column, index }, place) => fitted(textOf(cells[index]), widths[place] ?? 0, column, look));
    const height = Math.max(...shown.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) => {
      const placed = used.map(({ column, index }, place) => {
        const text = shown[place]?.[line] ?? '';
        const space = ' '.repeat(Math.max(0, (widths[place] ?? 0) - width(text)));
        const painted = text === '' ? '' : (paintAll ?? paintOf(cells[index]))(text);
        return column.align === 'right' ? space + painted : painted + space;
      });
      return `${indent}${placed.join(gap)}`.trimEnd();
    });
  };
  return [
    ...row(
      columns.map(({ title }) => title),
      look.palette.quiet,
    ),
    ...rows.flatMap((cells) => row(cells)),
  ];
};

const indent = '  ';
const gap = '  ';

const textOf = (cell: Cell | undefined): string => (typeof cell === 'string' ? cell : (cell?.text ?? ''));
const paintOf = (cell: Cell | undefined): Paint => (typeof cell === 'object' && cell.paint) || String;

const fitted = (text: string, columns: number, { wide = 'cut-end' }: Column, { glyphs }: Look): string[] => {
  switch (wide) {
    case 'cut-end':
      return [cut(text, columns, glyphs.ellipsis)];
    case 'cut-start':
      return [cutPath(text, columns, glyphs.ellipsis)];
    case 'wrap':
      return wrap(text, columns).map((line) => cut(line, columns, glyphs.ellipsis));
    default:
      return assertNever(wide);
  }
};

const shrink = (wanted: readonly number[], minima: readonly (number | undefined)[], room: number): number[] => {
  const widths = [...wanted];
  for (let over = widths.reduce((sum, one) => sum + one, 0) - room; over > 0; over--) {
    let widest = -1;
    for (const [index, columns] of widths.entries()) {
      const min = minima[index];
      if (min !== undefined && columns > min && columns > (widths[widest] ?? 0)) widest = index;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
};
