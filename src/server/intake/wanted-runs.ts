import type { Project } from '../../store/projects.ts';
import type { ForgeEvent } from '../forges/forge-event.ts';
import type { RunRequest } from '../runs/begin-run.ts';
import { takes } from './glob-list.ts';

/** Which runs an event makes, in this order; or why it makes none, for people. */
export type WantedRuns =
  | { readonly kind: 'runs'; readonly requests: readonly RunRequest[] }
  | { readonly kind: 'none'; readonly because: string };

/**
 * One commit, one run (R-CIO-32): pushes, and pull requests of the repository itself, share `push/<pipeline>/<commit>`. What comes from a fork has a name of its
 * own, so that nobody can take the name of a run that is trusted; so has each tag.
 */
export const wantedRuns = (project: Pick<Project, 'name' | 'settings'>, event: ForgeEvent): WantedRuns => {
  switch (event.kind) {
    case 'push':
      return ofPush(project, event);
    case 'tag':
      return ofTag(project, event);
    case 'pull-request':
      return ofPullRequest(project, event);
    case 'ref-deleted':
      return none('A branch or tag was deleted.');
    case 'repository-deleted':
      return none('The repository was deleted.');
    case 'repository-renamed':
      return none('The repository was renamed.');
    case 'ping':
      return none('The forge asked whether we are there.');
    case 'other':
      return none(`It tells of ${event.what}.`);
  }
};

type Push = ForgeEvent & { readonly kind: 'push' };

const ofPush = ({ name, settings }: Pick<Project, 'name' | 'settings'>, push: Push): WantedRuns => {
  if (!settings.triggers.includes('push')) return none('The project does not run for pushes.');
  if (!takes(settings.branches, push.ref.slice('refs/heads/'.length))) return none('The project does not run for pushes of this branch.');
  const commits = settings.commits === 'all' ? wantedCommits(settings.paths, push) : touches(settings.paths, push) ? [push.commit] : [];
  if (commits.length === 0) return none('It changes none of the paths for which the project runs.');
  const trigger = { kind: 'push', ref: push.ref, ...who(push) } as const;
  return {
    kind: 'runs',
    requests: commits.map((commit) => ({ project: name, commit, ref: push.ref, trigger, once: onceOf('push', commit) })),
  };
};

/** The newest commit is of the push, whether or not the forge lists it. */
const wantedCommits = (paths: readonly string[], push: Push): readonly string[] => {
  const listed = push.commits.filter((commit) => commit.paths === undefined || touchesAny(paths, commit.paths)).map(({ id }) => id);
  return push.commits.some(({ id }) => id === push.commit) ? listed : [...listed, push.commit];
};

/** Where it is not known what was changed, it may be any path. */
const touches = (paths: readonly string[], { commits, isWhole }: Push): boolean =>
  !isWhole || commits.length === 0 || commits.some((commit) => commit.paths === undefined || touchesAny(paths, commit.paths));

const touchesAny = (globs: readonly string[], paths: readonly string[]): boolean =>
  globs.length === 0 || paths.some((path) => takes(globs, path));

const ofTag = ({ name, settings }: Pick<Project, 'name' | 'settings'>, tag: ForgeEvent & { readonly kind: 'tag' }): WantedRuns => {
  if (!settings.triggers.includes('tag')) return none('The project does not run for tags.');
  const trigger = { kind: 'tag', ref: tag.ref, ...who(tag) } as const;
  return {
    kind: 'runs',
    requests: [{ project: name, commit: tag.commit, ref: tag.ref, trigger, once: `${onceOf('tag', tag.commit)}/${tag.ref}` }],
  };
};

const ofPullRequest = (
  { name, settings }: Pick<Project, 'name' | 'settings'>,
  pull: ForgeEvent & { readonly kind: 'pull-request' },
): WantedRuns => {
  if (!settings.triggers.includes('pull-request')) return none('The project does not run for pull requests.');
  if (pull.action === 'closed') return none('The pull request was closed.');
  if (pull.draft) return none('The pull request is a draft.');
  const { number, ref, fork, authors } = pull;
  const trigger = { kind: 'pull-request', number, ref, fork, authors, ...who(pull) } as const;
  const once = onceOf(pull.fork ? 'pull-request' : 'push', pull.commit);
  return { kind: 'runs', requests: [{ project: name, commit: pull.commit, ref: pull.ref, trigger, once }] };
};

/** No pipeline is named: the repository says which one it is. */
const onceOf = (kind: 'push' | 'tag' | 'pull-request', commit: string): string => `${kind}//${commit}`;

const who = ({ by, actor }: { readonly by: string; readonly actor?: string }) => ({ by, ...(actor === undefined ? {} : { actor }) });

const none = (because: string): WantedRuns => ({ kind: 'none', because });
