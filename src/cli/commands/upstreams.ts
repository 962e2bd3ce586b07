import type { UpstreamRow } from '../../api/triggers.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { findListed, shortId } from '../find-listed.ts';
import { looks } from '../looks.ts';
import { table } from '../printers/table.ts';
import { visible } from '../printers/visible.ts';
import { dateTime } from '../printers/words.ts';
import { checkedName, openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { type WantedOptions, wantedTarget, wantedText } from '../wanted-target.ts';
import { write, writeLines } from '../write.ts';

/** After which pipelines runs of a project begin. */
export const upstreamList = async (context: Context, { json, ...options }: RemoteOptions & { readonly json?: true }): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, options);
  const upstreams = await api.upstreams(project);
  const look = looks(context);
  const rows = upstreams.map((one) => [
    shortId(one.id),
    visible(afterText(one)),
    visible(wantedText(one.wants)),
    visible(one.by),
    dateTime(one.createdAt, look.timeZone),
    visible(one.note?.text ?? ''),
  ]);
  const columns = [
    { title: 'Upstream' },
    { title: 'After', min: 12, wide: 'wrap' as const },
    { title: 'Runs', min: 8, wide: 'wrap' as const },
    { title: 'By' },
    { title: 'When' },
    { title: 'Last', min: 12, wide: 'wrap' as const },
  ];
  const lines = upstreams.length === 0 ? [`${visible(project)} begins after no other pipeline.`] : table(columns, rows, look);
  await writeLines(context.stdout, json ? upstreams.map((one) => JSON.stringify(one)) : lines);
  return exitCodes.passed;
};

export type UpstreamAddOptions = RemoteOptions & WantedOptions & { readonly afterPipeline?: string; readonly afterBranch?: string };

export const upstreamAdd = async (
  context: Context,
  named: string,
  { afterPipeline, afterBranch, ...options }: UpstreamAddOptions,
): Promise<ExitCode> => {
  const after = {
    project: checkedName(named),
    ...(afterPipeline === undefined ? {} : { pipeline: afterPipeline }),
    ...(afterBranch === undefined ? {} : { branch: afterBranch }),
  };
  const { api, project } = await openRemoteProject(context, options);
  const { id } = await api.addUpstream(project, { after, wants: wantedTarget(options) });
  await write(context.stdout, `${visible(project)} has the upstream ${shortId(id)} now: ${visible(afterText({ after }))}.\n`);
  return exitCodes.passed;
};

export const upstreamRemove = async (context: Context, named: string, options: RemoteOptions): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, options);
  const { id, ...found } = findListed(await api.upstreams(project), named, { what: 'upstream', lister: 'cion upstreams' });
  await api.removeUpstream(project, id);
  await write(context.stdout, `${visible(project)} has the upstream ${shortId(id)} (${visible(afterText(found))}) no more.\n`);
  return exitCodes.passed;
};

const afterText = ({ after: { project, pipeline, branch } }: Pick<UpstreamRow, 'after'>): string =>
  `${project}${pipeline === undefined ? '' : `, ${pipeline}`}${branch === undefined ? '' : ` on ${branch}`}`;
