import type { ConnectJson, CredentialJson } from '../../api/projects.ts';
import { askLine } from '../ask-line.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { table } from '../printers/table.ts';
import { visible } from '../printers/visible.ts';
import { readSecret } from '../read-secret.ts';
import { Refusal } from '../refusal.ts';
import { checkedName, openRemote, type RemoteOptions } from '../remote/open-remote.ts';
import { writeLines } from '../write.ts';

export type ProjectsOptions = RemoteOptions & { readonly json?: true };
type Forge = 'github' | 'gitlab' | 'gitea';

/** The projects of a server that who asks may see. */
export const projectList = async (context: Context, { json, ...options }: ProjectsOptions): Promise<ExitCode> => {
  const { api } = await openRemote(context, options);
  const projects = await api.projects();
  if (json)
    await writeLines(
      context.stdout,
      projects.map((project) => JSON.stringify(project)),
    );
  else if (projects.length === 0) await writeLines(context.stdout, ['There is no project that you may see.']);
  else {
    const rows = projects.map(({ name, defaultBranch, visibility, forge }) => [
      visible(name),
      visible(defaultBranch),
      visibility,
      forge ?? 'git',
    ]);
    const columns = [{ title: 'Project' }, { title: 'Branch', min: 8 }, { title: 'Seen by' }, { title: 'Forge' }];
    await writeLines(context.stdout, table(columns, rows, looks(context)));
  }
  return exitCodes.passed;
};

/** What one may connect of a forge, each with the number that `projects add --repository` takes. */
export const projectRepositories = async (context: Context, forge: Forge, { json, ...options }: ProjectsOptions): Promise<ExitCode> => {
  const { api } = await openRemote(context, options);
  const found = await api.repositories(forge);
  const rows = found.map(({ id, name, visibility, project }) => [id, visible(name), visibility, visible(project ?? '')]);
  const columns = [{ title: 'Repository', align: 'right' as const }, { title: 'Name' }, { title: 'Seen by' }, { title: 'Project here' }];
  const lines = found.length === 0 ? [`There is no repository at ${forge} that you could connect.`] : table(columns, rows, looks(context));
  await writeLines(context.stdout, json ? found.map((one) => JSON.stringify(one)) : lines);
  return exitCodes.passed;
};

export type AddOptions = RemoteOptions & {
  readonly cloneUrl?: string;
  readonly branch?: string;
  readonly public?: true;
  readonly forge?: Forge;
  readonly repository?: string;
  readonly credential?: true;
  readonly user?: string;
};

/** Connects a repository: one of a forge by its number there, any other by where it is cloned from. What its hook signs with is shown this once. */
export const projectAdd = async (context: Context, name: string | undefined, options: AddOptions): Promise<ExitCode> => {
  const known = wantedOf(name, options);
  const { api } = await openRemote(context, options);
  const wanted = options.credential ? { ...known, credential: await readCredential(context, options) } : known;
  const { hook, ...project } = await api.connect(wanted);
  const lines = [`${visible(project.name)} is a project now, cloned from ${visible(project.cloneUrl)}.`];
  const told =
    hook === undefined
      ? []
      : [
          '',
          `Hook:    ${hook.url}`,
          `Secret:  ${hook.secret}`,
          '',
          'The secret is not shown again. "cion trigger" in a post-receive hook uses both; see docs/webhooks.md.',
        ];
  await writeLines(context.stdout, [...lines, ...told]);
  return exitCodes.passed;
};

const wantedOf = (name: string | undefined, { cloneUrl, branch, forge, repository, ...options }: AddOptions): ConnectJson => {
  if (forge !== undefined && repository !== undefined && name === undefined && cloneUrl === undefined) return { forge, repository };
  if (name !== undefined && cloneUrl !== undefined && forge === undefined && repository === undefined) {
    const visibility = options.public ? 'public' : 'private';
    return { forge: 'git', name, cloneUrl, visibility, ...(branch === undefined ? {} : { defaultBranch: branch }) };
  }
  throw new Refusal(
    'USAGE',
    'Which repository?',
    'Write "cion projects add OWNER/NAME --clone-url URL", or "--forge github --repository NUMBER"; "cion projects repositories github" lists the numbers.',
  );
};

export type CredentialOptions = RemoteOptions & { readonly user?: string; readonly remove?: true };

/** What a project is cloned with over https: given, another in its place, or none any more. It is read from stdin or typed unseen, and never shown again. */
export const projectCredential = async (context: Context, named: string, options: CredentialOptions): Promise<ExitCode> => {
  const name = checkedName(named);
  const { api } = await openRemote(context, options);
  if (options.remove) await api.removeCredential(name);
  else await api.setCredential(name, await readCredential(context, options));
  await writeLines(context.stdout, [
    `${visible(name)} ${options.remove ? 'has no credential any more' : 'is cloned with this credential now'}.`,
  ]);
  return exitCodes.passed;
};

const readCredential = async (context: Context, { user }: Pick<CredentialOptions, 'user'>): Promise<CredentialJson> => ({
  secret: await readSecret(context, 'Token or password: '),
  ...(user === undefined ? {} : { user }),
});

export type RemoveOptions = RemoteOptions & { readonly force?: true; readonly yes?: true };

/** A project is taken off the server, with all that is kept of it there; its repository stays where it is. Asks for its name first, on a terminal. */
export const projectRemove = async (context: Context, named: string, { force, yes, ...options }: RemoveOptions): Promise<ExitCode> => {
  const { api } = await openRemote(context, options);
  const { name } = await api.project(checkedName(named));
  if (!yes) await mustBeMeant(context, name);
  const { isClean } = await api.disconnect(name, force === true);
  await writeLines(context.stdout, [
    `${visible(name)} is no project any more.`,
    ...(isClean ? [] : ['Its webhook and its deploy key may still be at the forge: remove them there.']),
  ]);
  return exitCodes.passed;
};

const mustBeMeant = async (context: Context, name: string): Promise<void> => {
  const what = `${visible(name)} goes from the server with its runs, logs, files, secrets and schedules, for ever; its repository stays.`;
  if (!context.stdin.isTTY) throw new Refusal('USAGE', what, 'If that is meant, say --yes.');
  context.stderr.write(`${what}\n`);
  const typed = await askLine(context, 'Type its name to remove it: ');
  if (typed !== name) throw new Refusal('USAGE', `That is not its name: ${visible(name)} stays.`);
};
