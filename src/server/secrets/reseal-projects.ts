import type { Sealer } from '../../secrets/sealer.ts';
import type { Project, ProjectStore } from '../../store/projects.ts';
import { credentialContext, deployKeyContext, webhookContext } from '../intake/project-secrets.ts';

/** What projects themselves keep sealed, under the newest key. Rejects with SealError when one cannot be opened with any. */
export const resealProjects = async (projects: Pick<ProjectStore, 'list' | 'change'>, sealer: Sealer): Promise<void> => {
  for (const project of await projects.list()) {
    if (isOld(resealed(project, sealer), project)) await projects.change(project.name, (now) => resealed(now, sealer));
  }
};

const resealed = (project: Project, sealer: Sealer): Project => {
  const { name, webhookSecret, deployKey, credential } = project;
  const again = (sealed: string, context: string): string => {
    const value = sealer.open(sealed, context);
    return sealer.isOld(sealed) ? sealer.seal(value, context) : sealed;
  };
  return {
    ...project,
    webhookSecret: again(webhookSecret, webhookContext(name)),
    ...(deployKey === undefined ? {} : { deployKey: { ...deployKey, private: again(deployKey.private, deployKeyContext(name)) } }),
    ...(credential === undefined ? {} : { credential: { ...credential, secret: again(credential.secret, credentialContext(name)) } }),
  };
};

const isOld = (now: Project, before: Project): boolean =>
  now.webhookSecret !== before.webhookSecret ||
  now.deployKey?.private !== before.deployKey?.private ||
  now.credential?.secret !== before.credential?.secret;
