import { width } from './fit.ts';
import type { Output } from './printer.ts';

export type LiveRegion = {
  /**
   * Puts `above` on the screen for ever, and below it `lines` until the next call; no line of these may be wider than the screen − 1,
   * nor may they be as many as its rows. Says whether the terminal keeps up.
   */
  show(above: readonly string[], lines: readonly string[]): boolean;
  /** Takes the lines away again and gives the cursor back. */
  close(): void;
};

/**
 * Some lines at the bottom of what was printed, which are painted over in place: only lines that changed, in one synchronized update.
 * The cursor rests, hidden, at the beginning of the line below.
 */
export const liveRegion = (output: Output): LiveRegion => {
  let shown: readonly string[] = [];
  let columns = output.columns;
  let isOpen = false;

  const toTop = (): string => {
    const rows = shown.reduce((sum, line) => sum + rowsOf(line, columns, output.columns), 0);
    return rows === 0 ? '' : `\x1b[${rows}A`;
  };
  return {
    show: (above, lines) => {
      const isSame = above.length === 0 && columns === output.columns;
      const body = isSame
        ? difference(shown, lines)
        : `${toTop()}\r${eraseBelow}${[...above, ...lines].map((line) => `${line}\r\n`).join('')}`;
      shown = lines;
      columns = output.columns;
      if (body === '') return true;
      const hide = isOpen ? '' : hideCursor;
      isOpen = true;
      return output.write(`${beginUpdate}${hide}${body}${endUpdate}`);
    },
    close: () => {
      if (!isOpen) return;
      output.write(`${toTop()}\r${eraseBelow}${showCursor}`);
      shown = [];
      isOpen = false;
    },
  };
};

const beginUpdate = '\x1b[?2026h';
const endUpdate = '\x1b[?2026l';
const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const eraseBelow = '\x1b[J';
const eraseRight = '\x1b[K';

const difference = (before: readonly string[], after: readonly string[]): string => {
  const first = after.findIndex((line, index) => line !== before[index]);
  if (first === -1 && before.length === after.length) return '';
  const from = first === -1 ? after.length : first;
  let text = before.length > from ? `\x1b[${before.length - from}A` : '';
  let unchanged = 0;
  for (const [index, line] of after.entries()) {
    if (index < from) continue;
    if (line === before[index]) {
      unchanged++;
      continue;
    }
    text += `${down(unchanged)}${line}${index < before.length ? eraseRight : ''}\r\n`;
    unchanged = 0;
  }
  return text + down(unchanged) + (after.length < before.length ? eraseBelow : '');
};

const down = (rows: number): string => (rows === 0 ? '' : `\x1b[${rows}B`);

/** Terminals break lines again when they become narrower, so that a line may take more rows than it had. */
const rowsOf = (line: string, before: number | undefined, now: number | undefined): number =>
  before === undefined || now === undefined || now >= before ? 1 : Math.max(1, Math.ceil(width(line) / now));
