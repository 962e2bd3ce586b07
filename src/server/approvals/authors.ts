import type { Trigger } from '../../run/run-event.ts';
import type { Account } from '../../store/accounts.ts';
import type { Project } from '../../store/projects.ts';

/** Those whose change a pull request is, by the numeric ids of its forge; of one that does not say, who did what began the run. */
export const authorsOf = (trigger: Trigger): readonly string[] => {
  if (trigger.kind !== 'pull-request') return [];
  const { authors = [], actor } = trigger;
  return authors.length === 0 && actor !== undefined ? [actor] : authors;
};

/** With who did what began the run: perhaps they brought it. */
export const involvedIn = (trigger: Trigger): readonly string[] => {
  const actor = trigger.kind === 'pull-request' ? trigger.actor : undefined;
  return [...new Set([...authorsOf(trigger), ...(actor === undefined ? [] : [actor])])];
};

/** Whether an account is one of them at the project's forge. Names are anybody's: numbers count (atk-04). */
export const isAuthor = (account: Pick<Account, 'forge'>, project: Pick<Project, 'forge'>, trigger: Trigger): boolean =>
  account.forge !== undefined && account.forge.url === project.forge?.url && authorsOf(trigger).includes(account.forge.id);
