import { cut, cutPath, padEnd, padStart, width } from './fit.ts';
import type { Look } from './look.ts';

/** Text must be `visible` and without colours; `paint` is applied when everything has its place. */
export type Cell = string | { readonly text: string; readonly paint?: (text: string) => string };

export type Column = {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Narrowest that it may become when the table does not fit; absent: it is never cut. */
  readonly min?: number;
  /** Which end stays when it is cut; `start` by default. */
  readonly keep?: 'start' | 'end';
};

/** Aligned columns with a gap of two; the widest that may be cut are cut first until all fit. Without rows: no lines, no titles. */
export const table = (columns: readonly Column[], rows: readonly (readonly Cell[])[], look: Look): string[] => {
  if (rows.length === 0) return [];
  const used = columns.map((column, index) => ({ column, index })).filter(({ index }) => rows.some((row) => textOf(row[index]) !== ''));
  const wanted = used.map(({ column, index }) => Math.max(width(column.title), ...rows.map((row) => width(textOf(row[index])))));
  const widths = shrink(
    wanted,
    used.map(({ column }) => column.min),
    look.columns - indent.length - gap.length * (used.length - 1),
  );
  const line = (cells: readonly Cell[], paintAll?: (text: string) => string): string => {
    const shown = used.map(({ column, index }, place) => {
      const columns = widths[place] ?? 0;
      const text = textOf(cells[index]);
      const fitted = (column.keep === 'end' ? cutPath : cut)(text, columns, look.glyphs.ellipsis);
      const paint = paintAll ?? paintOf(cells[index]);
      if (column.align === 'right') return padStart('', columns - width(fitted)) + paint(fitted);
      return place === used.length - 1 ? paint(fitted) : paint(fitted) + padEnd('', columns - width(fitted));
    });
    return `${indent}${shown.join(gap)}`.trimEnd();
  };
  return [
    line(
      columns.map(({ title }) => title),
      look.palette.quiet,
    ),
    ...rows.map((row) => line(row)),
  ];
};

const indent = '  ';
const gap = '  ';

const textOf = (cell: Cell | undefined): string => (typeof cell === 'string' ? cell : (cell?.text ?? ''));
const paintOf = (cell: Cell | undefined): ((text: string) => string) => (typeof cell === 'object' && cell.paint) || same;
const same = (text: string): string => text;

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
