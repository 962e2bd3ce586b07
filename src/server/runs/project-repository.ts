import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { FetchRequest } from '../../source/fetch-commit.ts';
import type { SourceWork } from '../../source/source-work.ts';
import type { Project, ProjectStore } from '../../store/projects.ts';
import { credentialContext, deployKeyContext } from '../intake/project-secrets.ts';

export type RepositoryDeps = {
  readonly sealer: Pick<Sealer, 'open'>;
  /** The server's own. Mirrors and keys lie in it. */
  readonly directory: string;
  /** The file of what the operator knows of ssh hosts. */
  readonly knownHosts?: string;
  /** `file://` addresses are fetched too. */
  readonly allowFiles?: boolean;
};

export const mirrorsOf = (directory: string): string => join(directory, 'mirrors');

/** A name may be anything; a folder's is not. */
export const mirrorOf = (directory: string, project: string): string =>
  join(mirrorsOf(directory), `${createHash('sha256').update(project).digest('hex').slice(0, 32)}.git`);

/** Deploy keys, while they are in use. */
export const keysOf = (directory: string): string => join(directory, 'keys');

/** Where the repository of a project is, and how this server gets in. */
export const repositoryOf = (
  { sealer, directory, knownHosts, allowFiles }: RepositoryDeps,
  { name, cloneUrl: url, deployKey, credential }: Project,
): Pick<FetchRequest, 'url' | 'key' | 'keys' | 'credential' | 'knownHosts' | 'allowFiles'> => {
  const opened = (sealed: string, context: string): string => sealer.open(sealed, context).toString('utf8');
  return {
    url,
    keys: keysOf(directory),
    ...(deployKey === undefined ? {} : { key: opened(deployKey.private, deployKeyContext(name)) }),
    ...(credential === undefined ? {} : { credential: { ...credential, secret: opened(credential.secret, credentialContext(name)) } }),
    ...(knownHosts === undefined ? {} : { knownHosts }),
    allowFiles: allowFiles === true,
  };
};

/** Whether a project's repository has a branch or tag, `refs/heads/main`; `undefined`: nobody can say so within some seconds. */
export type HasRef = (project: string, ref: string) => Promise<boolean | undefined>;

const patienceMs = 10_000;

export const hasRefOf =
  (
    deps: RepositoryDeps & {
      readonly source: Pick<SourceWork, 'hasRef'>;
      readonly projects: Pick<ProjectStore, 'get'>;
      readonly clock: Pick<Clock, 'after'>;
    },
  ): HasRef =>
  async (name, ref) => {
    const project = await deps.projects.get(name);
    if (project === undefined) return undefined;
    const over = new AbortController();
    const stop = deps.clock.after(patienceMs, () => over.abort());
    try {
      // A host that nobody knows yet is remembered by what is fetched from it, and not by this.
      const knownHosts = deps.knownHosts ?? join(mirrorOf(deps.directory, name), 'known_hosts');
      return await deps.source.hasRef({ ...repositoryOf(deps, project), knownHosts, ref, signal: over.signal });
    } catch {
      return undefined;
    } finally {
      stop();
    }
  };
