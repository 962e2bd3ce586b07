import stringWidth from 'string-width';
import { clusters } from '../fit.ts';
import type { Output } from '../printer.ts';

/** A terminal in memory: it obeys what is written to it, and shows what a person would see. */
export type Screen = Output & {
  write(text: string, taken?: (error?: Error | null) => void): boolean;
  resize(columns: number, rows: number): void;
  /** What is in sight, without white space at the ends of lines and without empty ones at the bottom. */
  text(): string;
  /** What scrolled out of sight, and what is in sight. */
  history(): string;
  readonly cursor: { readonly row: number; readonly column: number; readonly isHidden: boolean };
  readonly isUpdating: boolean;
  /** Anything written that this terminal does not know. */
  readonly unknown: readonly string[];
  readonly written: { bytes: number; writes: number };
};

type Cell = string;

export const makeScreen = (columnsAtFirst = 80, rowsAtFirst = 24): Screen => {
  let columns = columnsAtFirst;
  let height = rowsAtFirst;
  let grid: Cell[][] = [[]];
  let top = 0;
  let row = 0;
  let column = 0;
  let isHidden = false;
  let isUpdating = false;
  let pending = '';
  const unknown: string[] = [];
  const written = { bytes: 0, writes: 0 };
  const listeners = new Map<string, Set<(error?: Error) => void>>();

  const line = (): Cell[] => {
    while (grid.length <= row) grid.push([]);
    return (grid[row] ??= []);
  };
  const scroll = (): void => {
    if (row - top >= height) top = row - height + 1;
  };
  const put = (character: string): void => {
    const cells = stringWidth(character);
    if (cells === 0) return;
    if (column + cells > columns) {
      row++;
      column = 0;
      scroll();
    }
    const current = line();
    while (current.length < column) current.push(' ');
    current[column] = character;
    for (let extra = 1; extra < cells; extra++) current[column + extra] = '';
    column += cells;
  };
  const control = (parameters: string, final: string): void => {
    const count = Number(parameters || 1);
    if (final === 'A') row = Math.max(top, row - count);
    else if (final === 'B') row = Math.min(top + height - 1, row + count);
    else if (final === 'C') column = Math.min(columns - 1, column + count);
    else if (final === 'D') column = Math.max(0, column - count);
    else if (final === 'K' && parameters === '') line().splice(column);
    else if (final === 'J' && parameters === '') {
      line().splice(column);
      grid.splice(row + 1);
    } else if (final === 'h' || final === 'l') {
      if (parameters === '?25') isHidden = final === 'l';
      else if (parameters === '?2026') isUpdating = final === 'h';
      else unknown.push(parameters + final);
    } else if (final !== 'm') unknown.push(parameters + final);
  };
  const obey = (text: string): void => {
    for (let rest = pending + text; rest !== ''; ) {
      pending = '';
      if (rest.startsWith('\x1b')) {
        const sequence = /^\x1b\[([0-9;:?]*)([@-~])/.exec(rest);
        if (sequence === null) {
          if (/^\x1b(\[[0-9;:?]*)?$/.test(rest)) {
            pending = rest;
            return;
          }
          const foreign = /^\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)|[()].|.)?/s.exec(rest)?.[0] ?? rest;
          unknown.push(foreign);
          rest = rest.slice(foreign.length);
          continue;
        }
        control(sequence[1] ?? '', sequence[2] ?? '');
        rest = rest.slice(sequence[0].length);
        continue;
      }
      const first = rest.charAt(0);
      if (first === '\n') {
        row++;
        scroll();
        line();
        rest = rest.slice(1);
      } else if (first === '\r') {
        column = 0;
        rest = rest.slice(1);
      } else if (first === '\b') {
        column = Math.max(0, column - 1);
        rest = rest.slice(1);
      } else if (first < ' ' || first === '\x7f') {
        unknown.push(first);
        rest = rest.slice(1);
      } else {
        const run = /^[^\x00-\x1f\x7f]+/.exec(rest)?.[0] ?? first;
        for (const cluster of clusters(run)) put(cluster);
        rest = rest.slice(run.length);
      }
    }
  };
  const shown = (lines: readonly Cell[][]): string[] => lines.map((cells) => cells.join('').trimEnd());
  const withoutEmptyEnd = (lines: string[]): string[] => lines.slice(0, lines.findLastIndex((text) => text !== '') + 1);
  return {
    get columns() {
      return columns;
    },
    get rows() {
      return height;
    },
    write: (text, taken) => {
      written.bytes += Buffer.byteLength(text);
      written.writes++;
      obey(text);
      taken?.();
      return true;
    },
    on: (event, listener) => listeners.set(event, (listeners.get(event) ?? new Set()).add(listener)),
    off: (event, listener) => listeners.get(event)?.delete(listener),
    resize: (newColumns, newRows) => {
      const before = grid;
      const cursorLine = row;
      grid = [];
      for (const [index, cells] of before.entries()) {
        if (index === cursorLine) row = grid.length;
        const pieces = Math.max(1, Math.ceil(cells.length / newColumns));
        for (let piece = 0; piece < pieces; piece++) grid.push(cells.slice(piece * newColumns, (piece + 1) * newColumns));
      }
      columns = newColumns;
      height = newRows;
      column = Math.min(column, columns - 1);
      top = Math.max(0, grid.length - height);
      for (const listener of listeners.get('resize') ?? []) listener();
    },
    text: () => withoutEmptyEnd(shown(grid.slice(top, top + height))).join('\n'),
    history: () => withoutEmptyEnd(shown(grid)).join('\n'),
    get cursor() {
      return { row: row - top, column, isHidden };
    },
    get isUpdating() {
      return isUpdating;
    },
    unknown,
    written,
  };
};
