import { createHash } from 'node:crypto';
import type { Claimed, Lease } from '../../api/worker-protocol.ts';
import { parseImageReference } from '../../plan/image-reference.ts';
import type { Commit, Plan, Stage } from '../../plan/plan.ts';
import { stagesOf } from '../../plan/stage.ts';
import type { RunState } from '../../run/run-state.ts';
import { isUntrusted } from '../secrets/who-is-given.ts';
import type { RegistryTokens } from './registry-tokens.ts';

/** Who says so at the token server has a ticket as password. */
export const jobUser = 'cion-job';

/** What the attempts of a server's runs do with its registry. `place`: `HOST[/PREFIX]`. */
export type JobImages = {
  readonly place: string;
  /** For a claim: the stage as it is to be run, and what its worker needs for that. */
  forClaim(
    state: RunState,
    plan: Plan,
    work: Claimed['work'],
    lease: Pick<Lease, 'item' | 'token'> & { readonly worker: string },
  ): Promise<Pick<Claimed, 'work' | 'registry'>>;
};

export const jobImages = (place: string, tokens: Pick<RegistryTokens, 'ticket'>): JobImages => ({
  place,
  forClaim: async (state, plan, work, { item, token, worker }) => {
    const { project } = state;
    const repository = repositoryOf(place, project);
    if (repository === undefined || isUntrusted(state.trigger)) return { work, registry: { place } };
    const password = await tokens.ticket({ item, token, worker, project });
    const registry = { place, own: { repository, username: jobUser, password } };
    const { stage } = work;
    const { commit } = stage;
    if (commit === undefined || !isForUs(commit)) return { work, registry };
    const name = nameFor(repository, plan, stage);
    const names = ['{run}', 'latest', '{outcome}'].map((tag) => `${name}:${tag}`);
    return { work: { ...work, stage: { ...stage, commit: { ...commit, registry: names } } }, registry };
  },
});

/** Whether the image that a stage committed can be had from our registry. */
export const isAtPlace = (place: string, commit: Commit | undefined, reference: string | undefined): boolean =>
  commit !== undefined && isForUs(commit) && reference?.startsWith(`${place}/`) === true;

/** The text says nothing of a registry. */
const isForUs = ({ names }: Commit): boolean => names.every((name) => !/^[^/]*[.:A-Z][^/]*\/|^localhost\//.test(name));

/** `undefined`: the name of the project can be none of a repository. */
const repositoryOf = (place: string, project: string): string | undefined => {
  const repository = `${place}/${project.toLowerCase()}`;
  return parseImageReference(repository).ok ? repository : undefined;
};

/** The project's own; where several stages of the plan commit, one below it for each. */
const nameFor = (repository: string, plan: Plan, { name }: Stage): string => {
  const committing = stagesOf(plan).filter(({ commit }) => commit !== undefined && isForUs(commit));
  return committing.length > 1 ? `${repository}/${partOf(name)}` : repository;
};

const partOf = (stage: string): string => {
  if (/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/.test(stage) && stage.length <= 40) return stage;
  const left = stage
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 30)
    .replace(/-+$/, '');
  return `${left === '' ? 'stage' : left}-${createHash('sha256').update(stage).digest('hex').slice(0, 8)}`;
};
