import type { z } from 'zod';
import type { runRowSchema } from '../../api/lists.ts';
import type { Outcome } from '../../run/outcome.ts';
import type { Trigger } from '../../run/run-event.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { type RunListRow, runList } from '../printers/run-list.ts';
import { write, writeLines } from '../write.ts';
import type { RemoteProject } from './open-remote.ts';

type RunsOptions = { readonly all?: true; readonly branch?: string; readonly outcome?: string; readonly json?: true };

const usualCount = 20;
const most = 200;

/** The runs of a project on a server, the newest first. */
export const runsOn = async (
  context: Context,
  { api, project }: RemoteProject,
  { all, branch, outcome, json }: RunsOptions,
): Promise<ExitCode> => {
  const rows: RunListRow[] = [];
  const filter = { ...(branch === undefined ? {} : { branch }), ...(outcome === undefined ? {} : { outcome: outcome as Outcome }) };
  let before: string | undefined;
  do {
    const page = await api.runs(project, { ...filter, limit: all ? most : usualCount, ...(before === undefined ? {} : { before }) });
    for (const row of page.runs) {
      if (json) await write(context.stdout, `${JSON.stringify(row)}\n`);
      else rows.push(listed(row));
    }
    before = page.next;
  } while (all && before !== undefined);
  if (!json) await writeLines(context.stdout, runList(rows, Date.now(), looks(context)));
  return exitCodes.passed;
};

const tagOf = (trigger: Trigger): string | undefined =>
  'ref' in trigger && trigger.ref?.startsWith('refs/tags/') ? trigger.ref.slice('refs/tags/'.length) : undefined;

const listed = ({ number, phase, outcome, createdAt, finishedAt, pipeline, ...row }: z.output<typeof runRowSchema>): RunListRow => {
  const { commit, branch, subject } = row;
  const tag = tagOf(row.trigger);
  return {
    number,
    phase,
    createdAt,
    ...(outcome === undefined ? {} : { outcome }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    ...(pipeline === '' ? {} : { pipeline }),
    ...(tag === undefined ? {} : { tag }),
    source: {
      changedFiles: 0,
      files: 0,
      bytes: 0,
      ...(commit === undefined ? {} : { commit }),
      ...(branch === undefined ? {} : { branch }),
      ...(subject === undefined ? {} : { subject }),
    },
  };
};
