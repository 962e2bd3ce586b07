import { randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import { defaultSettings, type Project, type ProjectStore } from '../../store/projects.ts';
import type { ForgeApi, ForgeRepository } from '../forges/forge-api.ts';
import { ForgeError } from '../forges/forge-error.ts';
import type { ForgeKind } from '../forges/forge.ts';
import { newDeployKey } from './deploy-key.ts';
import { IntakeError } from './intake-error.ts';
import { deployKeyContext, webhookContext } from './project-secrets.ts';

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
 * Makes a project of a repository, or mends the one that there is: its webhook and its deploy key are at the forge afterwards, once each. A new project that
 * cannot be finished is taken back. Rejects with PROJECT_EXISTS when another repository has the name (atk-05), and with ForgeError.
 */
export const connect = async (deps: ConnectDeps, forge: AskedForge, repository: ForgeRepository): Promise<Project> => {
  const project = newProject(deps, {
    name: repository.name,
    cloneUrl: repository.cloneUrl,
    defaultBranch: repository.defaultBranch,
    visibility: repository.visibility,
    forge: { kind: forge.kind, url: forge.url, repository: repository.id },
  });
  if (!(await deps.projects.add(project))) {
    const before = await projectOf(deps, forge, repository.id);
    if (before === undefined) throw new IntakeError('PROJECT_EXISTS', `There is a project ${project.name} already, of another repository.`);
    return finish(deps, forge, before);
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
  given: Pick<Project, 'name' | 'cloneUrl' | 'defaultBranch' | 'visibility' | 'forge'>,
): Project => {
  const key = newDeployKey(`cion-${given.name}`);
  return {
    ...given,
    webhookSecret: sealer.seal(randomBytes(32).toString('base64'), webhookContext(given.name)),
    deployKey: { public: key.public, private: sealer.seal(key.private, deployKeyContext(given.name)) },
    settings: defaultSettings,
    createdAt: clock.now(),
  };
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
