import type { DeliveryJson } from '../../api/deliveries.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { table } from '../printers/table.ts';
import { visible } from '../printers/visible.ts';
import { dateTime } from '../printers/words.ts';
import { openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { writeLines } from '../write.ts';

/** What hooks told of a project, the newest first, and what became of each. */
export const deliveryList = async (
  context: Context,
  named: string | undefined,
  { json, ...options }: RemoteOptions & { readonly json?: true },
): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, named === undefined ? options : { ...options, on: named });
  const deliveries = await api.deliveries(project);
  const look = looks(context);
  const rows = deliveries.map((one) => [
    dateTime(one.at, look.timeZone),
    one.forge,
    visible(one.event),
    visible(one.id),
    visible(whatBecame(one)),
  ]);
  const columns = [
    { title: 'When' },
    { title: 'Forge' },
    { title: 'Event', min: 8 },
    { title: 'Delivery', min: 12 },
    { title: 'What became of it', min: 16, wide: 'wrap' as const },
  ];
  const lines = deliveries.length === 0 ? [`Nothing was told of ${visible(project)} yet.`] : table(columns, rows, look);
  await writeLines(context.stdout, json ? deliveries.map((one) => JSON.stringify(one)) : lines);
  return exitCodes.passed;
};

const whatBecame = ({ result, tries }: DeliveryJson): string => {
  if (result === undefined) return tries < 2 ? 'it waits' : `it waits, after ${tries} tries: the log of the server says why`;
  const { kind, numbers, note } = result;
  if (numbers.length > 0) return `${numbers.length === 1 ? 'run' : 'runs'} ${numbers.join(', ')}`;
  return kind === 'done' ? note : `${kind === 'given-up' ? 'given up' : kind}: ${note}`;
};
