import { cut, padEnd, padStart, widest, width } from './fit.ts';
import type { Look } from './look.ts';
import { elapsed } from './words.ts';

/** What is going on right now. All text is `visible`. */
export type Progress = {
  readonly title: string;
  readonly startedAt: number;
  readonly total: number;
  readonly finished: number;
  /** What the run as a whole is at, e.g. `Reads the commit`. */
  readonly doing?: string;
  /** The most telling first. */
  readonly rows: readonly ProgressRow[];
  /** What there is besides the rows given. */
  readonly more: { readonly running: number; readonly waiting: number };
};

export type ProgressRow = {
  readonly name: string;
  readonly kind: 'running' | 'preparing' | 'queued' | 'gate' | 'waiting';
  readonly since?: number;
  readonly text: string;
  /** What it is at, before the text. */
  readonly step?: string;
  readonly bar?: { readonly done: number; readonly total: number };
};

/** Never more lines than `height`, never a line wider than the look's columns − 1. */
export const progressView = (progress: Progress, height: number, now: number, look: Look): string[] => {
  if (height < 1) return [];
  const { rows, hidden } = fitting(progress, height - 1);
  const nameColumns = Math.min(widestName, widest(rows.map((row) => row.name)));
  const lines = rows.map((row) => ({ row, line: rowLine(row, nameColumns, now, look) }));
  const branches = [
    ...lines.map(({ line }) => line),
    ...(hidden === undefined ? [] : [look.palette.quiet(`${look.glyphs.ellipsis} ${hidden}`)]),
  ];
  const { branch, last } = look.glyphs.tree;
  return [
    header(progress, now, look),
    ...branches.map((line, index) => `${look.palette.quiet(index === branches.length - 1 ? last : branch)} ${line}`),
  ];
};

const widestName = 28;
const barColumns = 16;

const header = ({ title, startedAt, total, finished, doing }: Progress, now: number, { palette, columns, glyphs }: Look): string => {
  const time = elapsed(now - startedAt);
  const rest = [time, ...(total === 0 ? [] : [`${finished} of ${total} finished`]), ...(doing === undefined ? [] : [doing])].join(
    ` ${glyphs.dot} `,
  );
  const head = cut(title, columns - 1, glyphs.ellipsis);
  return `${palette.strong(head)}${palette.quiet(cut(` ${glyphs.dot} ${rest}`, columns - 1 - width(head), glyphs.ellipsis))}`;
};

const fitting = ({ rows, more }: Progress, room: number): { readonly rows: readonly ProgressRow[]; readonly hidden?: string } => {
  const others = more.running + more.waiting;
  if (rows.length + Math.sign(others) <= room) return others === 0 ? { rows } : { rows, hidden: hiddenWords(others, more.running) };
  if (room < 1) return { rows: [] };
  const shown = rows.slice(0, room - 1);
  const left = rows.slice(room - 1);
  return { rows: shown, hidden: hiddenWords(left.length + others, left.filter(isRunning).length + more.running) };
};

const isRunning = ({ kind }: ProgressRow): boolean => kind === 'running' || kind === 'preparing';

const hiddenWords = (count: number, running: number): string => `and ${count} more${running === 0 ? '' : `, ${running} running`}`;

const rowLine = (row: ProgressRow, nameColumns: number, now: number, look: Look): string => {
  const { palette, glyphs, columns } = look;
  const name = padEnd(cut(row.name, nameColumns, glyphs.ellipsis), nameColumns);
  const time = padStart(row.since === undefined ? '' : elapsed(now - row.since), timeColumns);
  const mark = markOf(row, now, look);
  const left = `${mark.text} ${name}  ${time}  `;
  const room = columns - 1 - treeColumns - width(left);
  if (room < 0) return cut(`${mark.text} ${row.name}`, columns - 1 - treeColumns, glyphs.ellipsis);
  const head = `${mark.paint(mark.text)} ${row.kind === 'waiting' ? palette.quiet(name) : name}  ${palette.quiet(time)}  `;
  const bar = row.bar === undefined || room < barColumns + 12 ? '' : `${progressBar(row.bar, look)} `;
  const step = row.step === undefined ? '' : cut(`${row.step}  `, room, glyphs.ellipsis);
  return `${head}${bar}${step}${palette.quiet(cut(row.text, room - width(bar) - width(step), glyphs.ellipsis))}`.trimEnd();
};

const timeColumns = 7;
const treeColumns = 3;

const markOf = (
  row: ProgressRow,
  now: number,
  { glyphs, palette }: Look,
): { readonly text: string; readonly paint: (text: string) => string } => {
  switch (row.kind) {
    case 'running':
    case 'preparing':
      return { text: glyphs.spinner[Math.floor(now / spinMs) % glyphs.spinner.length] ?? '', paint: palette.accent };
    case 'gate':
      return { text: glyphs.gate, paint: palette.warning };
    case 'queued':
    case 'waiting':
      return { text: glyphs.waiting, paint: palette.quiet };
  }
};

export const spinMs = 125;

const progressBar = ({ done, total }: { readonly done: number; readonly total: number }, { glyphs, palette }: Look): string => {
  const full = Math.floor(Math.min(1, total === 0 ? 0 : done / total) * barColumns);
  const { left, full: on, part, right } = glyphs.bar;
  return `${palette.quiet(left)}${palette.accent(on.repeat(full))}${palette.quiet(part.repeat(barColumns - full) + right)}`;
};
