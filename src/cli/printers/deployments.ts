import type { Deployment } from '../../run/run-event.ts';
import type { Look } from './look.ts';
import { commitWords } from './sentences.ts';
import { table } from './table.ts';
import { visible } from './visible.ts';
import { ago, dateTime, digestDigits } from './words.ts';

export type DeploymentRow = Deployment & { readonly stage: string; readonly number: number };

/** What was deployed where, in the order given. `at`: only what is there now was asked for. */
export const deployments = (rows: readonly DeploymentRow[], now: number, look: Look, at?: string): string[] => {
  if (rows.length === 0) {
    return [at === undefined ? 'Nothing was deployed yet.' : `Nothing was deployed to ${visible(at)} yet.`];
  }
  return table(
    [
      { title: 'Environment', min: 8 },
      { title: 'Commit' },
      { title: 'Image', min: 12, wide: 'cut-start' },
      { title: 'Digest' },
      { title: 'Run', align: 'right' },
      { title: 'Stage', min: 6 },
      { title: 'When' },
      { title: '' },
    ],
    rows.map((row) => [
      { text: visible(row.environment), paint: look.palette.strong },
      row.commit === undefined ? 'no commit' : commitWords(row.commit, row.changedFiles),
      { text: visible(row.image.reference.replace(/@sha256:.*$/, '')), paint: look.palette.quiet },
      { text: digestDigits(visible(row.image.digest)), paint: look.palette.quiet },
      String(row.number),
      visible(row.stage),
      dateTime(row.at, look.timeZone),
      { text: ago(row.at, now), paint: look.palette.quiet },
    ]),
    look,
  );
};
