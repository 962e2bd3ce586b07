import type { AttemptState, NodeState, RunState } from '../../run/run-state.ts';
import type { Outcome } from '../../run/outcome.ts';
import { lastAttempt, tookMs } from './attempt-times.ts';
import { cut, padEnd, padStart, widest } from './fit.ts';
import type { Look } from './look.ts';
import { visible } from './visible.ts';
import { duration } from './words.ts';

/**
 * The stages that were given to the queue, on one common time axis, in the order of their beginning: light while they were queued and
 * prepared, full while they ran. Every attempt is at least one column wide. Of very many the longest are shown.
 */
export const waterfall = (state: RunState, now: number, look: Look): string[] => {
  const all = [...state.nodes.values()].flatMap((node) => barOf(node, now));
  const bars = longest(all).sort((one, other) => one.from - other.from);
  if (bars.length === 0) return [];
  const busy = busyTime(bars);
  const nameColumns = Math.min(widestName, widest(bars.map((bar) => bar.name)));
  const timeColumns = widest(bars.map((bar) => bar.took));
  const columns = Math.min(widestChart, look.columns - nameColumns - timeColumns - 9);
  if (columns < narrowestChart) return [];
  const axis: Axis = { at: busy.at, perColumn: busy.total / columns, columns };
  const lines = bars.map((bar) => {
    const name = padEnd(cut(bar.name, nameColumns, look.glyphs.ellipsis), nameColumns);
    const paint = bar.outcome === undefined ? look.palette.accent : look.palette.outcome[bar.outcome];
    const { before, cells } = drawn(bar, axis, look);
    const { left, right } = look.glyphs.bar;
    const after = columns - before - cells.length;
    return `  ${name}  ${' '.repeat(before)}${paint(`${left}${cells}${right}`)}${' '.repeat(after)}  ${padStart(bar.took, timeColumns)}`;
  });
  return all.length === bars.length
    ? lines
    : [...lines, `  ${look.palette.quiet(`${look.glyphs.ellipsis} and ${all.length - bars.length} shorter ones`)}`];
};

const mostBars = 40;

const longest = (bars: readonly Bar[]): Bar[] => bars.toSorted((one, other) => other.tookMs - one.tookMs).slice(0, mostBars);

const widestName = 24;
const widestChart = 48;
const narrowestChart = 8;

type Bar = {
  readonly name: string;
  readonly from: number;
  readonly took: string;
  readonly tookMs: number;
  readonly outcome?: Outcome;
  readonly attempts: readonly AttemptState[];
  readonly now: number;
};

type Axis = { readonly at: (time: number) => number; readonly perColumn: number; readonly columns: number };

/** Time without the hours in which nothing ran, before a decision or an explicit re-run: of these a twentieth of the whole stays. */
const busyTime = (bars: readonly Bar[]): { readonly at: (time: number) => number; readonly total: number } => {
  const spans: { from: number; to: number }[] = [];
  const attempts = bars.flatMap(({ attempts, now }) =>
    attempts.map(({ queuedAt, finishedAt }) => ({ from: queuedAt, to: finishedAt ?? now })),
  );
  for (const { from, to } of attempts.sort((one, other) => one.from - other.from)) {
    const last = spans.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else spans.push({ from, to });
  }
  const busy = spans.reduce((sum, { from, to }) => sum + to - from, 0);
  const offsets: { from: number; offset: number }[] = [];
  let end = 0;
  for (const [index, { from, to }] of spans.entries()) {
    const before = spans[index - 1];
    const start = before === undefined ? 0 : end + Math.min(from - before.to, busy / 20);
    offsets.push({ from, offset: start - from });
    end = start + to - from;
  }
  return { at: (time) => time + (offsets.findLast(({ from }) => from <= time)?.offset ?? 0), total: Math.max(1, end) };
};

const barOf = (node: NodeState, now: number): Bar[] => {
  if (node.kind === 'gate') return [];
  const first = node.attempts[0];
  const last = lastAttempt(node);
  if (first === undefined || last === undefined) return [];
  return [
    {
      name: visible(node.name),
      from: first.queuedAt,
      took: duration(tookMs(last, now)),
      tookMs: tookMs(last, now),
      ...(node.outcome === undefined ? {} : { outcome: node.outcome }),
      attempts: node.attempts,
      now,
    },
  ];
};

const drawn = (bar: Bar, axis: Axis, { glyphs }: Look): { readonly before: number; readonly cells: string } => {
  const cells: string[] = [];
  const fill = (from: number, to: number, glyph: string): void => {
    const [start, end] = span(from, to, axis);
    for (let column = start; column < end; column++) cells[column] = glyph;
  };
  for (const attempt of bar.attempts) {
    const end = attempt.finishedAt ?? bar.now;
    if (attempt.startedAt === undefined) fill(attempt.queuedAt, end, glyphs.bar.part);
    else {
      if (attempt.startedAt > attempt.queuedAt) fill(attempt.queuedAt, attempt.startedAt, glyphs.bar.part);
      fill(attempt.startedAt, end, glyphs.bar.full);
    }
  }
  const before = cells.findIndex((cell) => cell !== undefined);
  return { before, cells: Array.from(cells.slice(before), (cell) => cell ?? ' ').join('') };
};

const span = (from: number, to: number, axis: Axis): readonly [number, number] => {
  const start = Math.min(axis.columns - 1, Math.floor(axis.at(from) / axis.perColumn));
  const end = Math.min(axis.columns, Math.ceil(axis.at(to) / axis.perColumn));
  return [start, Math.max(start + 1, end)];
};
