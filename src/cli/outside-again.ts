import type { Outside } from '../engine/given.ts';
import type { Plan } from '../plan/plan.ts';
import type { RunState } from '../run/run-state.ts';
import type { Context } from './context.ts';
import { identitiesOf, type IdentityOptions } from './identities.ts';
import { openSecrets, secretsFile } from '../planning/open-secrets.ts';
import { type OutsideOptions, outsideVariables } from './outside-variables.ts';
import type { Project } from './project.ts';
import { keptFile } from './snapshots.ts';

/** What the plan of a run that is to go on is given from outside, as a run at its beginning: nothing of it was kept. */
export const outsideAgain = async (
  context: Context,
  project: Project,
  state: RunState,
  plan: Plan,
  options: OutsideOptions & IdentityOptions,
): Promise<Outside> => {
  const [variables, identities] = await Promise.all([outsideVariables(context.cwd, context.env, options), identitiesOf(context, options)]);
  return openSecrets(variables, identities, plan, () => keptFile(project, state, secretsFile));
};
