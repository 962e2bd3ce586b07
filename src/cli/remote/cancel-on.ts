import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { Refusal } from '../refusal.ts';
import { write } from '../write.ts';
import type { RemoteProject } from './open-remote.ts';
import { numberOf } from './remote-runs.ts';

/** Asks a server to end a run; the newest that has not ended when none is named. */
export const cancelOn = async (context: Context, remote: RemoteProject, wanted: string | undefined, force: boolean): Promise<ExitCode> => {
  const number = wanted === undefined ? await newestOpen(remote) : await numberOf(remote, wanted);
  await remote.api.cancel(remote.project, number, force);
  await write(context.stdout, `Run ${number} is asked to stop; cion show ${number} -f${remote.place} watches it.\n`);
  return exitCodes.passed;
};

const newestOpen = async ({ api, project }: RemoteProject): Promise<number> => {
  const [newest] = (await api.runs(project, { finished: 'false', limit: 1 })).runs;
  if (newest !== undefined) return newest.number;
  throw new Refusal('NO_RUNS', `${project} has no run that has not ended.`, '"cion runs --server" lists them all.');
};
