import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { queue as queueLines } from '../printers/queue.ts';
import { openRemote, type RemoteOptions } from '../remote/open-remote.ts';
import { writeLines } from '../write.ts';

export type QueueOptions = RemoteOptions & { readonly json?: true };

/** The one queue of a server, in the order of turns (R-CIO-03). */
export const queue = async (context: Context, { json, ...options }: QueueOptions): Promise<ExitCode> => {
  const { api } = await openRemote(context, options);
  const { items, hidden } = await api.queue();
  await writeLines(
    context.stdout,
    json ? items.map((item) => JSON.stringify(item)) : queueLines(items, hidden, Date.now(), looks(context)),
  );
  return exitCodes.passed;
};
