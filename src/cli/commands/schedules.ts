import type { ScheduleJson, ScheduleRow } from '../../api/triggers.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { findListed, shortId } from '../find-listed.ts';
import { looks } from '../looks.ts';
import { table } from '../printers/table.ts';
import { visible } from '../printers/visible.ts';
import { dateTime } from '../printers/words.ts';
import { readSecret } from '../read-secret.ts';
import { Refusal } from '../refusal.ts';
import { openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { type WantedOptions, wantedTarget, wantedText } from '../wanted-target.ts';
import { write, writeLines } from '../write.ts';

const known = { what: 'schedule', lister: 'cion schedules' };

/** What begins runs of a project by the clock. */
export const scheduleList = async (context: Context, { json, ...options }: RemoteOptions & { readonly json?: true }): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, options);
  const schedules = await api.schedules(project);
  const look = looks(context);
  const rows = schedules.map((one) => [
    shortId(one.id),
    visible(one.cron),
    visible(one.timeZone),
    one.paused === undefined ? dateTime(one.dueAt, look.timeZone) : visible(`paused by ${one.paused.by}`),
    visible(wantedOf(one)),
    visible(one.note?.text ?? ''),
  ]);
  const columns = [
    { title: 'Schedule' },
    { title: 'When' },
    { title: 'Zone' },
    { title: 'Next at' },
    { title: 'Runs', min: 8, wide: 'wrap' as const },
    { title: 'Last', min: 12, wide: 'wrap' as const },
  ];
  const lines = schedules.length === 0 ? [`${visible(project)} has no schedules.`] : table(columns, rows, look);
  await writeLines(context.stdout, json ? schedules.map((one) => JSON.stringify(one)) : lines);
  return exitCodes.passed;
};

export type ScheduleAddOptions = RemoteOptions &
  WantedOptions & {
    readonly timeZone: string;
    readonly package?: string;
    readonly registry?: string;
    readonly tag?: string;
    readonly token?: true;
  };

/** Adds a schedule; the token of a registry comes from stdin or is typed unseen. */
export const scheduleAdd = async (context: Context, cron: string, { timeZone, ...options }: ScheduleAddOptions): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, options);
  const watch = await watchOf(context, options);
  const { id } = await api.addSchedule(project, {
    cron,
    timeZone,
    wants: wantedTarget(options),
    ...(watch === undefined ? {} : { watch }),
  });
  const added = (await api.schedules(project)).find((one) => one.id === id);
  const next = added === undefined ? '' : `, next at ${dateTime(added.dueAt, looks(context).timeZone)}`;
  await write(context.stdout, `${visible(project)} has the schedule ${shortId(id)} now${next}.\n`);
  return exitCodes.passed;
};

export const scheduleRemove = async (context: Context, named: string, options: RemoteOptions): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, options);
  const { id, cron } = findListed(await api.schedules(project), named, known);
  await api.removeSchedule(project, id);
  await write(context.stdout, `${visible(project)} has the schedule ${shortId(id)} (${visible(cron)}) no more.\n`);
  return exitCodes.passed;
};

/** It keeps its place and begins nothing until it is resumed. */
export const schedulePause = async (context: Context, named: string, options: RemoteOptions): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, options);
  const { id, cron } = findListed(await api.schedules(project), named, known);
  await api.pauseSchedule(project, id, true);
  await write(
    context.stdout,
    `The schedule ${shortId(id)} (${visible(cron)}) of ${visible(project)} begins nothing until it is resumed.\n`,
  );
  return exitCodes.passed;
};

/** What it missed is not begun. */
export const scheduleResume = async (context: Context, named: string, options: RemoteOptions): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, options);
  const { id, cron } = findListed(await api.schedules(project), named, known);
  const { dueAt } = await api.pauseSchedule(project, id, false);
  const next = dateTime(dueAt, looks(context).timeZone);
  await write(context.stdout, `The schedule ${shortId(id)} (${visible(cron)}) of ${visible(project)} goes on, next at ${next}.\n`);
  return exitCodes.passed;
};

const watchOf = async (
  context: Context,
  { package: name, registry, tag, token }: Omit<ScheduleAddOptions, 'timeZone'>,
): Promise<ScheduleJson['watch']> => {
  if (name === undefined) {
    if (registry === undefined && tag === undefined && token === undefined) return undefined;
    throw new Refusal('USAGE', 'Which package?', '--registry, --tag and --token are for a schedule that watches one: --package NAME.');
  }
  return {
    package: name,
    ...(registry === undefined ? {} : { registry }),
    ...(tag === undefined ? {} : { tag }),
    ...(token === undefined ? {} : { token: await readSecret(context, 'Token of the registry: ') }),
  };
};

const wantedOf = ({ wants, watch }: ScheduleRow): string =>
  `${wantedText(wants)}${watch === undefined ? '' : `, when ${watch.package} ${watch.tag} is another`}`;
