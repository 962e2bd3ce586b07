import type { Look } from './look.ts';
import { type Cell, table } from './table.ts';
import { visible } from './visible.ts';
import { ago } from './words.ts';

export type QueueRow = {
  readonly project: string;
  /** Of the run. */
  readonly number: number;
  readonly stage: string;
  readonly attempt: number;
  readonly labels: readonly string[];
  readonly group?: { readonly name: string; readonly limit: number };
  readonly worker?: string;
  readonly at: number;
  readonly claim?: { readonly worker: string; readonly at: number };
};

/** What waits for workers and what they have, in the order given. `hidden`: how many more there are that may not be seen. */
export const queue = (rows: readonly QueueRow[], hidden: number, now: number, look: Look): string[] => {
  const others = hidden === 0 ? [] : [`${hidden} more of projects that you may not see.`];
  if (rows.length === 0)
    return [hidden === 0 ? 'Nothing waits, and nothing runs.' : 'Nothing of what you may see waits or runs.', ...others];
  return [
    ...table(
      [
        { title: 'Run', min: 8 },
        { title: 'Stage', min: 6 },
        { title: 'Attempt', align: 'right' },
        { title: 'Where' },
        { title: 'For', min: 6 },
        { title: 'Since' },
      ],
      rows.map((row): Cell[] => [
        { text: `${visible(row.project)}#${row.number}`, paint: look.palette.strong },
        visible(row.stage),
        row.attempt === 1 ? '' : String(row.attempt),
        row.claim === undefined ? { text: 'waits', paint: look.palette.warning } : `on ${visible(row.claim.worker)}`,
        wanted(row),
        ago(row.claim?.at ?? row.at, now),
      ]),
      look,
    ),
    ...others,
  ];
};

const wanted = ({ worker, labels, group }: QueueRow): string =>
  [
    ...(worker === undefined ? [] : [visible(worker)]),
    ...labels.map((label) => visible(label)),
    ...(group === undefined ? [] : [`${group.limit} of ${visible(group.name)}`]),
  ].join(', ');
