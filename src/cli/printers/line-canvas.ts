import type { Paint } from './colour.ts';
import { clusters, width } from './fit.ts';
import type { Glyphs } from './glyphs.ts';

/** A grid of text and of lines that know whom they belong to: where lines of different owners meet, they cross and do not join. */
export type LineCanvas = {
  across(row: number, from: number, to: number, owner: object): void;
  down(column: number, from: number, to: number, owner: object): void;
  text(row: number, column: number, text: string, paint: Paint): void;
  lines(): string[];
};

const [up, right, bottom, left] = [1, 2, 4, 8] as const;

export const lineCanvas = (glyphs: Glyphs, paintLine: Paint): LineCanvas => {
  const grid: ({ sides: Map<object, number>; text?: string; paint?: Paint }[] | undefined)[] = [];
  const cell = (row: number, column: number) => {
    const cells = (grid[row] ??= []);
    for (let index = cells.length; index <= column; index++) cells.push({ sides: new Map() });
    return (cells[column] ??= { sides: new Map() });
  };
  const add = (row: number, column: number, owner: object, sides: number): void => {
    const { sides: known } = cell(row, column);
    known.set(owner, (known.get(owner) ?? 0) | sides);
  };
  const glyph = (sides: ReadonlyMap<object, number>): string => {
    const masks = [...sides.values()];
    const all = masks.reduce((sum, mask) => sum | mask, 0);
    const isCrossing = masks.length > 1 && !masks.some((mask) => (mask & (up | bottom)) !== 0 && (mask & (left | right)) !== 0);
    return (isCrossing && all === (up | right | bottom | left) ? glyphs.crossing : glyphs.lines[all]) ?? ' ';
  };
  return {
    across: (row, from, to, owner) => {
      for (let column = from; column <= to; column++) add(row, column, owner, (column > from ? left : 0) | (column < to ? right : 0));
    },
    down: (column, from, to, owner) => {
      for (let row = from; row <= to; row++) add(row, column, owner, (row > from ? up : 0) | (row < to ? bottom : 0));
    },
    text: (row, column, text, paint) => {
      let at = column;
      for (const cluster of clusters(text)) {
        Object.assign(cell(row, at), { text: cluster, paint });
        for (let extra = 1; extra < width(cluster); extra++) Object.assign(cell(row, at + extra), { text: '', paint });
        at += width(cluster);
      }
    },
    lines: () =>
      Array.from(grid, (cells = []) => {
        const runs: { text: string; paint: Paint | undefined }[] = [];
        for (const { text, paint, sides } of cells) {
          const shown = text ?? glyph(sides);
          const by = shown === ' ' && text === undefined ? undefined : (paint ?? paintLine);
          const last = runs.at(-1);
          if (last !== undefined && last.paint === by) last.text += shown;
          else runs.push({ text: shown, paint: by });
        }
        return runs
          .map(({ text, paint }) => (paint === undefined ? text : paint(text)))
          .join('')
          .trimEnd();
      }),
  };
};
