import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { visible } from '../printers/visible.ts';
import { openRemote, type RemoteOptions } from '../remote/open-remote.ts';
import { writeLines } from '../write.ts';

export type WorkerTokenOptions = RemoteOptions & { readonly expiresInDays?: number };

/** Makes the token of one worker, which is shown this once: alone on stdout, so that it can go into a file. */
export const workerTokenAdd = async (context: Context, worker: string, options: WorkerTokenOptions): Promise<ExitCode> => {
  const { url, api } = await openRemote(context, options);
  const { expiresInDays } = options;
  const { token } = await api.makeWorkerToken({ name: worker, worker, ...(expiresInDays === undefined ? {} : { expiresInDays }) });
  context.stderr.write(`The token of the worker ${visible(worker)}; it is not shown again. With it in CION_WORKER_TOKEN or a file:\n`);
  context.stderr.write(`  cion work --server ${url} --name ${visible(worker)} --token-file FILE\n`);
  await writeLines(context.stdout, [token]);
  return exitCodes.passed;
};
