import { type ApiClient, apiClient } from '../../api/client.ts';
import { isProjectName } from '../../api/project-name.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { gitIn } from '../../source/git.ts';
import { repositoryKey } from '../../source/repository-key.ts';
import type { Context } from '../context.ts';
import { projectRoot } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { serverOf } from '../server-of.ts';
import { serverFetch } from './server-fetch.ts';

/** `server`: where; `true`: where one logged in last, or CION_SERVER says. `on`: which project there. */
export type RemoteOptions = { readonly server?: string | true; readonly on?: string };

/** A server, asked in somebody's name. */
export type Remote = { readonly url: string; readonly api: ApiClient; readonly isLoggedIn: boolean; readonly clock: Clock };

/** `isHere`: it is the project of the directory. */
export type RemoteProject = Remote & {
  readonly project: string;
  readonly isHere: boolean;
  /** What commands about it have to say. */
  readonly place: string;
};

/** Without `--server` nothing is asked of any server. */
export const isRemote = ({ server, on }: RemoteOptions): boolean => server !== undefined || on !== undefined;

export const openRemote = async (context: Context, { server }: RemoteOptions, clock = systemClock): Promise<Remote> => {
  const { url, token } = await serverOf(context, typeof server === 'string' ? { server } : {});
  const api = apiClient({ url, fetch: serverFetch(url), ...(token === undefined ? {} : { token }) });
  return { url, api, isLoggedIn: token !== undefined, clock };
};

/** The project that is named, else the one that is cloned from where the repository of this directory is. */
export const openRemoteProject = async (context: Context, options: RemoteOptions, clock = systemClock): Promise<RemoteProject> => {
  const remote = await openRemote(context, options, clock);
  if (options.on !== undefined) return { ...remote, project: checkedName(options.on), isHere: false, place: placeOf(options) };
  return { ...remote, project: await projectHere(context, remote), isHere: true, place: placeOf(options) };
};

const placeOf = ({ server, on }: RemoteOptions): string =>
  `${on === undefined ? '' : ` --on ${on}`}${typeof server === 'string' ? ` --server ${server}` : on === undefined ? ' --server' : ''}`;

/** What is none is asked for nowhere: in an address, dots mean another place. */
export const checkedName = (name: string): string => {
  if (isProjectName(name)) return name;
  throw new Refusal('USAGE', `${JSON.stringify(name)} is no name of a project.`, 'Write OWNER/NAME; "cion projects" lists them.');
};

const naming = 'Name it: --on OWNER/NAME. "cion projects" lists them.';

const projectHere = async (context: Context, { url, api, isLoggedIn }: Remote): Promise<string> => {
  const address = await remoteAddress(await projectRoot(context));
  if (address === undefined) throw new Refusal('PROJECT_UNNAMED', 'No git remote here says which project is meant.', naming);
  const key = repositoryKey(address);
  const [only, ...others] = await api.projects({ repository: key });
  if (only !== undefined && others.length === 0) return only.name;
  if (only === undefined) {
    throw new Refusal(
      'PROJECT_UNNAMED',
      `${url} has no project of ${key}${isLoggedIn ? '' : ' that everybody may see'}.`,
      isLoggedIn ? naming : 'Log in with "cion login", or name a public one: --on OWNER/NAME.',
    );
  }
  throw new Refusal(
    'PROJECT_UNNAMED',
    `${url} has several projects of ${key}: ${[only, ...others].map(({ name }) => name).join(', ')}.`,
    naming,
  );
};

/** `origin`, else the only one that there is. */
const remoteAddress = async (root: string): Promise<string | undefined> => {
  const git = await gitIn(root);
  const asked = async (...args: readonly string[]): Promise<string | undefined> => {
    const { stdout, code } = await git(args, { alsoFine: [1, 2, 128, 129] });
    return code === 0 ? stdout.toString().trim() || undefined : undefined;
  };
  const origin = await asked('config', '--get', 'remote.origin.url');
  if (origin !== undefined) return origin;
  const [only, another] = ((await asked('remote')) ?? '').split('\n').filter((name) => name !== '');
  return only === undefined || another !== undefined ? undefined : asked('config', '--get', `remote.${only}.url`);
};
