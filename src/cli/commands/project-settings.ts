import type { ProjectJson, SettingsJson } from '../../api/projects.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { table } from '../printers/table.ts';
import { visible } from '../printers/visible.ts';
import { checkedName, openRemote, type RemoteOptions } from '../remote/open-remote.ts';
import { writeLines } from '../write.ts';

type Chosen = NonNullable<SettingsJson['settings']>;

/** Where a list or the limit can be taken away, `false` or the option beside it says so. */
export type SettingsOptions = RemoteOptions &
  Pick<Chosen, 'approveForks' | 'commits' | 'priority'> &
  Pick<SettingsJson, 'visibility' | 'defaultBranch'> & {
    readonly json?: true;
    readonly branches?: readonly string[];
    readonly allBranches?: true;
    readonly paths?: readonly string[];
    readonly allPaths?: true;
    readonly triggers?: Chosen['triggers'] | false;
    readonly labels?: readonly string[] | false;
    readonly limit?: number | false;
  };

/** What the owners of a project chose, after the changes that are asked for. */
export const projectSettings = async (context: Context, named: string, { json, ...options }: SettingsOptions): Promise<ExitCode> => {
  const name = checkedName(named);
  const { api } = await openRemote(context, options);
  const change = changeOf(options);
  const project = change === undefined ? await api.settings(name) : await api.changeSettings(name, change);
  const { defaultBranch, visibility, settings } = project;
  const columns = [{ title: 'Setting' }, { title: visible(name), min: 20, wide: 'wrap' as const }];
  await writeLines(
    context.stdout,
    json ? [JSON.stringify({ name, defaultBranch, visibility, ...settings })] : table(columns, rowsOf(project), looks(context)),
  );
  return exitCodes.passed;
};

const rowsOf = ({ settings, ...project }: ProjectJson): readonly (readonly [string, string])[] => {
  const rows: readonly (readonly [string, string])[] = [
    ['Cloned from', project.cloneUrl],
    ['Credential', project.credential === undefined ? '' : `${project.credential.user} at ${project.credential.origin}`],
    ['Forge', project.forge === undefined ? '' : `${project.forge.kind}${project.forge.isGone ? ', where it is no more' : ''}`],
    ['Default branch', project.defaultBranch],
    ['Seen by', project.visibility],
    ['Triggers', orWord(settings.triggers, 'none')],
    ['Branches', orWord(settings.branches, 'all')],
    ['Paths', orWord(settings.paths, 'all')],
    ['Commits', settings.commits],
    ['Priority', String(settings.priority)],
    ['Labels', orWord(settings.labels, 'none')],
    ['Limit', settings.limit === undefined ? 'none' : `${settings.limit} at a time`],
    ['Approval of forks', settings.approveForks],
  ];
  return rows.flatMap(([title, text]) => (text === '' ? [] : [[title, visible(text)] as const]));
};

const orWord = (names: readonly string[], word: string): string => (names.length === 0 ? word : names.join(', '));

/** `undefined`: nothing is to be changed. */
const changeOf = (options: SettingsOptions): SettingsJson | undefined => {
  const { visibility, defaultBranch, approveForks, commits, priority, triggers, labels, limit } = options;
  const settings: Chosen = {
    ...given('branches', options.allBranches ? [] : options.branches),
    ...given('paths', options.allPaths ? [] : options.paths),
    ...given('triggers', triggers === false ? [] : triggers),
    ...given('commits', commits),
    ...given('priority', priority),
    ...given('labels', labels === false ? [] : labels),
    ...given('limit', limit === false ? null : limit),
    ...given('approveForks', approveForks),
  };
  const change: SettingsJson = {
    ...given('visibility', visibility),
    ...given('defaultBranch', defaultBranch),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
  };
  return Object.keys(change).length === 0 ? undefined : change;
};

const given = <Name extends string, Value>(name: Name, value: Value | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { readonly [name in Name]?: Value };
