import type { Trigger } from '../../run/run-event.ts';
import type { ApprovedAuthors } from '../../store/approved-authors.ts';
import type { Project } from '../../store/projects.ts';
import { actorOf, authorsOf } from './authors.ts';

/** Whose runs of forks wait for approval, and for how long, ms. */
export type ForkPolicy = {
  asks(project: Pick<Project, 'name' | 'settings'>, trigger: Trigger): Promise<boolean>;
  readonly withinMs: number;
};

/** As the project's owners chose. Known has to be who opened it, who pushed to it and who did what begins the run; what does not say whose it is is asked about. */
export const forkPolicy = ({
  approvedAuthors,
  withinMs,
}: {
  readonly approvedAuthors: Pick<ApprovedAuthors, 'among'>;
  readonly withinMs: number;
}): ForkPolicy => ({
  withinMs,
  asks: async ({ name, settings: { approveForks } }, trigger) => {
    if (trigger.kind !== 'pull-request' || !trigger.fork || approveForks === 'never') return false;
    if (approveForks !== 'first-time') return true;
    const authors = authorsOf(trigger);
    const involved = [...authors, ...actorOf(trigger)];
    const known = await approvedAuthors.among(name, involved);
    return authors.length === 0 || involved.some((id) => !known.has(id));
  },
});
