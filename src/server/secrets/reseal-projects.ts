import type { Sealer } from '../../secrets/sealer.ts';
import type { Project, ProjectStore } from '../../store/projects.ts';
import { deployKeyContext, webhookContext } from '../intake/project-secrets.ts';

/** What projects themselves keep sealed, under the newest key. Rejects with SealError when one cannot be opened with any. */
export const resealProjects = async (projects: Pick<ProjectStore, 'list' | 'change'>, sealer: Sealer): Promise<void> => {
  for (const project of await projects.list()) {
    if (resealed(project, sealer) !== project) await projects.change(project.name, (now) => resealed(now, sealer));
  }
};

const resealed = (project: Project, sealer: Sealer): Project => {
  const { name, webhookSecret, deployKey } = project;
  const again = (sealed: string, context: string): string => {
    const value = sealer.open(sealed, context);
    return sealer.isOld(sealed) ? sealer.seal(value, context) : sealed;
  };
  const hook = again(webhookSecret, webhookContext(name));
  const key = deployKey && again(deployKey.private, deployKeyContext(name));
  if (hook === webhookSecret && key === deployKey?.private) return project;
  return {
    ...project,
    webhookSecret: hook,
    ...(deployKey === undefined || key === undefined ? {} : { deployKey: { ...deployKey, private: key } }),
  };
};
