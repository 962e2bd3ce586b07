import { randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import { originOf } from '../../source/git-credential.ts';
import { defaultSettings, type Project, type ProjectStore } from '../../store/projects.ts';
import type { ForgeApi, ForgeRepository } from '../forges/forge-api.ts';
import { ForgeError } from '../forges/forge-error.ts';
import type { ForgeKind } from '../forges/forge.ts';
import { newDeployKey } from './deploy-key.ts';
import { IntakeError } from './intake-error.ts';
import { credentialContext, deployKeyContext, webhookContext } from './project-secrets.ts';

export type ConnectDeps = {
  readonly projects: ProjectStore;
  readonly sealer: Pick<Sealer, 'seal' | 'open'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Our own address, as forges reach it. */
  readonly publicUrl: string;
};

/** A forge, asked as somebody: `url` is that of its API, `account` whose login it is. */
export type AskedForge = {
  readonly kind: Exclude<ForgeKind, 'git'>;
  readonly url: string;
  readonly account: string;
  readonly api: ForgeApi;
};

export const hookUrlOf = (publicUrl: string, kind: ForgeKind, name: string): string =>
  `${publicUrl.replace(/\/+$/, '')}/hooks/${kind}/${name.split('/').map(encodeURIComponent).join('/')}`;

/** The project that this repository is, whatever it is called now. */
export const projectOf = async ({ projects }: Pick<ConnectDeps, 'projects'>, forge: Pick<AskedForge, 'url'>, repository: string) =>
  (await projects.list()).find((project) => project.forge?.url === forge.url && project.forge.repository === repository);

/** Of a repository that the account administers; rejects with REPOSITORY_UNKNOWN, REPOSITORY_NOT_YOURS, ForgeError. */
export const ownRepository = async ({ api }: AskedForge, repository: string): Promise<ForgeRepository> => {
  const found = await api.repository(repository);
  if (found === undefined) throw new IntakeError('REPOSITORY_UNKNOWN', 'The forge has no such repository, or does not show it to you.');
  if (!found.mayAdminister)
    throw new IntakeError('REPOSITORY_NOT_YOURS', `Only who administers ${found.name} at its forge can connect it.`);
  return found;
};

/**
 * Makes a project of a repository, or mends the one that there is: its webhook and its deploy key are at the forge afterwards, once each. With a credential it
 * is cloned over https, and a new one gets no deploy key; without one, what is private is cloned by ssh. A new project that cannot be finished is taken back. Rejects with PROJECT_EXISTS when another repository has the name (atk-05), and with ForgeError.
 */
export const connect = async (
  deps: ConnectDeps,
  forge: AskedForge,
  repository: ForgeRepository,
  credential?: GivenCredential,
): Promise<Project> => {
  const isBySsh = repository.visibility === 'private' && credential === undefined;
  const project = newProject(deps, {
    name: repository.name,
    cloneUrl: isBySsh ? repository.sshUrl : repository.cloneUrl,
    ...(credential === undefined ? {} : { credential }),
    defaultBranch: repository.defaultBranch,
    visibility: repository.visibility,
    forge: { kind: forge.kind, url: forge.url, repository: repository.id },
  });
  if (!(await deps.projects.add(project))) {
    const before = await projectOf(deps, forge, repository.id);
    if (before === undefined) throw new IntakeError('PROJECT_EXISTS', `There is a project ${project.name} already, of another repository.`);
    return finish(deps, forge, credential === undefined ? before : await withCredential(deps, before, repository.cloneUrl, credential));
  }
  try {
    return await finish(deps, forge, project);
  } catch (error) {
    await deps.projects.remove(project.name);
    throw error;
  }
};

/** With secrets of its own, which nobody has seen yet. */
export const newProject = (
  { sealer, clock }: Pick<ConnectDeps, 'sealer' | 'clock'>,
  {
    credential,
    ...given
  }: Pick<Project, 'name' | 'cloneUrl' | 'defaultBranch' | 'visibility' | 'forge'> & {
    readonly credential?: GivenCredential;
  },
): Project => {
  const login = credential === undefined ? ownKey(sealer, given.name) : sealedCredential(sealer, given, credential);
  return {
    ...given,
    ...login,
    webhookSecret: sealer.seal(randomBytes(32).toString('base64'), webhookContext(given.name)),
    settings: defaultSettings,
    createdAt: clock.now(),
  };
};

export type GivenCredential = { readonly user: string; readonly secret: string };

const ownKey = (sealer: Pick<Sealer, 'seal'>, name: string): Pick<Project, 'deployKey'> => {
  const key = newDeployKey(`cion-${name}`);
  return { deployKey: { public: key.public, private: sealer.seal(key.private, deployKeyContext(name)) } };
};

/** Rejects with CREDENTIAL_UNUSED where the project is not cloned over https. */
export const sealedCredential = (
  sealer: Pick<Sealer, 'seal'>,
  { name, cloneUrl }: Pick<Project, 'name' | 'cloneUrl'>,
  { user, secret }: GivenCredential,
): Pick<Project, 'credential'> => {
  const origin = originOf(cloneUrl);
  if (origin !== undefined) return { credential: { origin, user, secret: sealer.seal(secret, credentialContext(name)) } };
  throw new IntakeError(
    'CREDENTIAL_UNUSED',
    `${name} is cloned by ssh, with its deploy key, and a credential is for https. One of a forge can be connected again, with a credential.`,
  );
};

const withCredential = async (deps: ConnectDeps, before: Project, cloneUrl: string, credential: GivenCredential): Promise<Project> => {
  const given = sealedCredential(deps.sealer, { ...before, cloneUrl }, credential);
  return (await deps.projects.change(before.name, (now) => ({ ...now, cloneUrl, ...given }))) ?? before;
};

const finish = async (deps: ConnectDeps, { kind, api, account }: AskedForge, project: Project): Promise<Project> => {
  const { projects, sealer, publicUrl } = deps;
  const { name, deployKey } = project;
  const repository = project.forge?.repository ?? '';
  const secret = sealer.open(project.webhookSecret, webhookContext(name)).toString('utf8');
  const hook = await api.ensureHook(repository, { url: hookUrlOf(publicUrl, kind, name), secret });
  const key =
    deployKey === undefined
      ? undefined
      : await api
          .ensureKey(repository, { title: `cion (${new URL(publicUrl).host})`, public: deployKey.public })
          .catch(async (error: unknown) => {
            if (project.forge?.hook === undefined) await api.remove(repository, { hook }).catch(() => undefined);
            throw error;
          });
  const finished = await projects.change(name, (now) => {
    if (now.forge === undefined) return now;
    const { goneAt: _gone, ...forge } = now.forge;
    return { ...now, forge: { ...forge, hook, account, ...(key === undefined ? {} : { key }) } };
  });
  if (finished === undefined)
    throw new IntakeError('PROJECT_EXISTS', `The project ${name} was removed while it was connected. Connect it again.`);
  return finished;
};

/**
 * Removes webhook and key at the forge, and then the project with all that is kept under its name. `forge` absent: nobody can ask it. Unless `force`, what cannot be
 * removed at the forge keeps the project. Answers whether the forge has nothing of ours any more.
 */
export const disconnect = async (
  { projects }: Pick<ConnectDeps, 'projects'>,
  project: Project,
  { api, force }: { readonly api: ForgeApi | undefined; readonly force: boolean },
): Promise<{ readonly isClean: boolean }> => {
  const isClean = await removeAtForge(project, api).catch((error: unknown) => {
    if (!force || !(error instanceof ForgeError || error instanceof IntakeError)) throw error;
    return false;
  });
  await projects.remove(project.name);
  return { isClean };
};

const removeAtForge = async ({ name, forge }: Project, api: ForgeApi | undefined): Promise<boolean> => {
  if (forge === undefined || forge.goneAt !== undefined) return true;
  if (api === undefined) {
    throw new IntakeError(
      'FORGE_LOGIN_MISSING',
      `Nobody is logged in who can remove the webhook and the deploy key of ${name} at its forge.`,
    );
  }
  const { repository, hook, key } = forge;
  await api.remove(repository, { ...(hook === undefined ? {} : { hook }), ...(key === undefined ? {} : { key }) });
  return true;
};
