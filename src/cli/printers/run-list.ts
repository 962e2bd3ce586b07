import type { Outcome, Phase } from '../../run/outcome.ts';
import type { Source } from '../../run/run-event.ts';
import type { Look } from './look.ts';
import { waitingWords } from './sentences.ts';
import { type Cell, table } from './table.ts';
import { visible } from './visible.ts';
import { ago, duration, shortCommit } from './words.ts';

export type RunListRow = {
  readonly number: number;
  readonly phase: Phase;
  readonly outcome?: Outcome;
  readonly createdAt: number;
  readonly finishedAt?: number;
  readonly pipeline?: string;
  readonly source?: Source;
  /** That it is of. */
  readonly tag?: string;
  /** Gates that it waits at while nothing of it runs. */
  readonly waitsAt?: readonly string[];
  /** Its process is gone, so that it can be resumed. */
  readonly isLeft?: boolean;
};

/** Runs as a table, in the order given. */
export const runList = (runs: readonly RunListRow[], now: number, look: Look): string[] =>
  runs.length === 0
    ? ['There are no runs yet. Start one: cion run']
    : [
        ...table(
          [
            { title: 'Run', align: 'right' },
            { title: 'Outcome', min: 12 },
            { title: 'Commit' },
            { title: 'Branch', min: 8 },
            { title: 'Subject', min: 8 },
            { title: 'Pipeline', min: 6 },
            { title: 'Started' },
            { title: 'Took', align: 'right' },
          ],
          runs.map((run) => row(run, isSeveral(runs), now, look)),
          look,
        ),
        ...leftLines(runs, look),
      ];

/** Whether it has to be said of which pipeline a run is. */
const isSeveral = (runs: readonly RunListRow[]): boolean => new Set(runs.map(({ pipeline }) => pipeline)).size > 1;

const leftLines = (runs: readonly RunListRow[], { palette }: Look): string[] => {
  const left = runs.filter(({ isLeft }) => isLeft);
  return left.length === 0
    ? []
    : [
        '',
        ...left.map(({ number }) => `  The process of run ${number} is gone. Go on with it: ${palette.accent(`cion resume ${number}`)}`),
      ];
};

const row = (run: RunListRow, several: boolean, now: number, look: Look): Cell[] => [
  String(run.number),
  stateCell(run, look),
  commitCell(run.source),
  visible(run.tag === undefined ? (run.source?.branch ?? '') : `tag ${run.tag}`),
  { text: visible(run.source?.subject ?? ''), paint: look.palette.quiet },
  several ? visible(run.pipeline ?? '') : '',
  { text: ago(run.createdAt, now), paint: look.palette.quiet },
  run.isLeft ? '' : duration((run.finishedAt ?? now) - run.createdAt),
];

const commitCell = (source: Source | undefined): string => {
  if (source?.commit === undefined) return '';
  return `${visible(shortCommit(source.commit))}${source.changedFiles === 0 ? '' : ` +${source.changedFiles}`}`;
};

const stateCell = ({ outcome, phase, isLeft, waitsAt }: RunListRow, { palette, glyphs }: Look): Cell => {
  if (outcome !== undefined) return { text: `${glyphs.outcome[outcome]} ${outcome}`, paint: palette.outcome[outcome] };
  if (isLeft) return { text: `${glyphs.waiting} left`, paint: palette.warning };
  if (waitsAt !== undefined) return { text: `${glyphs.gate} ${waitingWords(waitsAt)}`, paint: palette.warning };
  return { text: `${glyphs.waiting} ${phase}`, paint: palette.accent };
};
