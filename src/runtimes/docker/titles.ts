import type { Service, Stage } from '../../plan/plan.ts';

/** What messages call it: `the stage "build"`, `the service "db"`. */
export const titleOf = (what: Stage | Service): string => `the ${'kind' in what ? 'stage' : 'service'} "${what.name}"`;
