import type { RunState } from '../../run/run-state.ts';
import { isUntrusted } from '../secrets/who-is-given.ts';

/** Whose caches a run has, on the server and on the engines of workers: what nobody trusts leaves nothing for those of the project (atk-13, atk-48). */
export const cacheOwner = ({ project, trigger }: Pick<RunState, 'project' | 'trigger'>): string =>
  isUntrusted(trigger) ? untrusted(project) : project;

/** All of a project. */
export const cacheOwners = (project: string): readonly string[] => [project, untrusted(project)];

const untrusted = (project: string): string => `${project} of others`;
