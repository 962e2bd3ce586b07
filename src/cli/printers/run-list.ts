import type { Outcome, Phase } from '../../run/outcome.ts';
import type { Source } from '../../run/run-event.ts';
import type { Look } from './look.ts';
import { commitWords } from './sentences.ts';
import { type Cell, table } from './table.ts';
import { visible } from './visible.ts';
import { ago, duration } from './words.ts';

export type RunListRow = {
  readonly number: number;
  readonly phase: Phase;
  readonly outcome?: Outcome;
  readonly createdAt: number;
  readonly finishedAt?: number;
  readonly pipeline?: string;
  readonly source?: Source;
  /** Its process is gone, so that it can be resumed. */
  readonly isLeft?: boolean;
};

/** Runs as a table, in the order given. */
export const runList = (runs: readonly RunListRow[], now: number, look: Look): string[] =>
  runs.length === 0
    ? ['There are no runs yet. Start one: cion run']
    : table(
        [
          { title: 'Run', align: 'right' },
          { title: 'Outcome' },
          { title: 'Commit' },
          { title: 'Branch', min: 8 },
          { title: 'Subject', min: 8 },
          { title: 'Pipeline', min: 6 },
          { title: 'Started' },
          { title: 'Took', align: 'right' },
        ],
        runs.map((run) => row(run, now, look)),
        look,
      );

const row = (run: RunListRow, now: number, look: Look): Cell[] => [
  String(run.number),
  stateCell(run, look),
  run.source?.commit === undefined ? '' : commitWords(run.source.commit, run.source.changedFiles),
  visible(run.source?.branch ?? ''),
  { text: visible(run.source?.subject ?? ''), paint: look.palette.quiet },
  visible(run.pipeline ?? ''),
  { text: ago(run.createdAt, now), paint: look.palette.quiet },
  run.isLeft ? '' : duration((run.finishedAt ?? now) - run.createdAt),
];

const stateCell = ({ outcome, phase, isLeft, number }: RunListRow, { palette, glyphs }: Look): Cell => {
  if (outcome !== undefined) return { text: `${glyphs.outcome[outcome]} ${outcome}`, paint: palette.outcome[outcome] };
  if (isLeft) return { text: `${glyphs.waiting} left: cion resume ${number}`, paint: palette.warning };
  return { text: `${glyphs.waiting} ${phase}`, paint: palette.accent };
};
