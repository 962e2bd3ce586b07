import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { visible } from '../printers/visible.ts';
import { looks } from '../looks.ts';
import { table } from '../printers/table.ts';
import { openRemote, type RemoteOptions } from '../remote/open-remote.ts';
import { write, writeLines } from '../write.ts';
import { timesOf } from './tokens.ts';

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

/** The tokens of all workers, and never what proves them. */
export const workerTokenList = async (
  context: Context,
  { json, ...options }: RemoteOptions & { readonly json?: true },
): Promise<ExitCode> => {
  const { api } = await openRemote(context, options);
  const tokens = await api.workerTokens();
  const look = looks(context);
  const rows = tokens.map((token) => [
    token.id,
    visible(token.name),
    visible(token.worker ?? 'the first that uses it'),
    ...timesOf(token, Date.now(), look.timeZone),
  ]);
  const columns = [{ title: 'Token' }, { title: 'Name', min: 8 }, { title: 'Worker', min: 8 }, { title: 'Until' }, { title: 'Used' }];
  const lines = tokens.length === 0 ? ['No worker has a token.'] : table(columns, rows, look);
  await writeLines(context.stdout, json ? tokens.map((token) => JSON.stringify(token)) : lines);
  return exitCodes.passed;
};

export const workerTokenRevoke = async (context: Context, id: string, options: RemoteOptions): Promise<ExitCode> => {
  const { api } = await openRemote(context, options);
  await api.revokeWorkerToken(id);
  await write(context.stdout, `${visible(id)} is good for nothing any more.\n`);
  return exitCodes.passed;
};
