import type { Trigger } from '../../run/run-event.ts';
import type { Account } from '../../store/accounts.ts';
import type { Project } from '../../store/projects.ts';

/** Those whose change a pull request is, by the numeric ids of its forge; empty: it does not say. */
export const authorsOf = (trigger: Trigger): readonly string[] => (trigger.kind === 'pull-request' ? (trigger.authors ?? []) : []);

/** Who did what began the run: perhaps somebody else. */
export const actorOf = (trigger: Trigger): readonly string[] =>
  trigger.kind === 'pull-request' && trigger.actor !== undefined ? [trigger.actor] : [];

/** Whether an account is one of the authors at the project's forge; where these are not told, who began the run. Names are anybody's: numbers count (atk-04). */
export const isAuthor = ({ forges }: Pick<Account, 'forges'>, project: Pick<Project, 'forge'>, trigger: Trigger): boolean => {
  const authors = authorsOf(trigger);
  const meant = authors.length === 0 ? actorOf(trigger) : authors;
  return forges.some(({ url, id }) => url === project.forge?.url && meant.includes(id));
};
