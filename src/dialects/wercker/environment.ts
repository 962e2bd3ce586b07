import { textOf } from '../../plan/circumstances.ts';
import type { EnvValue, RunPart, ShellValue, Variable } from '../../plan/plan.ts';
import { circumstancesOf } from '../circumstances.ts';
import type { Given } from '../dialect.ts';
import {
  buildDirectory,
  cacheDirectory,
  mountDirectory,
  outputDirectory,
  outputLink,
  pipelineDirectory,
  reportDirectory,
} from './directories.ts';
import { type Known, runValue } from './filled.ts';

export type Paths = { readonly base: string; readonly workdir: string };

/** A deploy is about what a run built, or about a target. */
export const isDeploy = (given: Given, pipeline: string): boolean =>
  given.lastBuild !== undefined || given.target !== undefined || pipeline === 'deploy';

/** What every step finds, in the order in which the later wins (R-WRK-130 … 152). */
export const environmentOf = (given: Given, pipeline: string, paths: Paths, box: readonly Variable[]): readonly Variable[] => {
  const users = userVariables(given);
  const theirs = new Set(users.map(({ name }) => name));
  return [...generic(given, pipeline, paths), ...users, ...box.filter(({ name }) => !theirs.has(name))];
};

/** Texts, and what is so of the run. */
const variablesOf = (values: Readonly<Record<string, string | RunPart | EnvValue>>): readonly Variable[] =>
  Object.entries(values).map(([name, value]) => ({ name, value: typeof value === 'object' && 'kind' in value ? value : runValue(value) }));

const generic = (given: Given, pipeline: string, { base, workdir }: Paths): readonly Variable[] =>
  variablesOf({
    BUILD_ID: { is: 'build' },
    BUILD_DIR: buildDirectory,
    OUTPUT_DIR: outputLink,
    GIT_URL: { is: 'remote' },
    WERCKER: 'true',
    WERCKER_DIR: mountDirectory,
    WERCKER_ROOT: base,
    WERCKER_SOURCE_DIR: workdir,
    WERCKER_CACHE_DIR: cacheDirectory,
    WERCKER_OUTPUT_DIR: outputDirectory,
    WERCKER_PIPELINE_DIR: pipelineDirectory,
    WERCKER_REPORT_DIR: reportDirectory,
    WERCKER_APPLICATION_ID: { is: 'project' },
    WERCKER_APPLICATION_NAME: { is: 'name' },
    WERCKER_APPLICATION_OWNER_NAME: { is: 'owner' },
    WERCKER_APPLICATION_URL: { is: 'project-page' },
    TERM: 'xterm-256color',
    WERCKER_RUN_ID: { is: 'id' },
    WERCKER_RUN_URL: { is: 'run-page' },
    WERCKER_GIT_DOMAIN: { is: 'domain' },
    WERCKER_GIT_OWNER: { is: 'owner' },
    WERCKER_GIT_REPOSITORY: { is: 'repository' },
    WERCKER_GIT_BRANCH: { is: 'branch' },
    WERCKER_GIT_TAG: { is: 'tag' },
    WERCKER_GIT_COMMIT: { is: 'commit' },
    WERCKER_STARTED_BY: { is: 'started-by' },
    WERCKER_MAIN_PIPELINE_STARTED: { is: 'started-at' },
    ...(isDeploy(given, pipeline)
      ? {
          DEPLOY: 'true',
          WERCKER_DEPLOY_ID: { is: 'id' },
          WERCKER_DEPLOY_URL: { is: 'run-page' },
          ...(given.target === undefined ? {} : { WERCKER_DEPLOYTARGET_NAME: given.target }),
          ...(given.lastBuild === undefined ? {} : { WERCKER_LAST_BUILD_BOX: given.lastBuild.image }),
        }
      : { BUILD: 'true', CI: 'true', WERCKER_BUILD_ID: { is: 'build' }, WERCKER_BUILD_URL: { is: 'run-page' } }),
  });

const proxies = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/** `X_NAME` is public, `XXX_NAME` protected; the prefix is not part of the name. Protected ones win. */
const userVariables = ({ variables }: Given): readonly Variable[] => {
  const from = (prefix: string, kind: 'outside' | 'secret'): readonly Variable[] =>
    variables.flatMap((name) => {
      const own = name.slice(prefix.length);
      const value: EnvValue = { kind, name };
      return name.startsWith(prefix) && /^[A-Za-z_]\w*$/.test(own) ? [{ name: own, value }] : [];
    });
  const own = [...from('X_', 'outside'), ...from('XXX_', 'secret')];
  const names = new Set(own.map(({ name }) => name));
  const usual = proxies.filter((name) => variables.includes(name) && !names.has(name));
  return [...usual.map((name): Variable => ({ name, value: { kind: 'outside', name } })), ...own];
};

/** What is known of these variables when the plan is made. */
export const knownOf = (variables: readonly Variable[]): Known => {
  const values = new Map<string, ShellValue>(variables.map(({ name, value }) => [name, value]));
  return (name) => {
    const value = values.get(name);
    return value?.kind === 'literal' || value?.kind === 'run' || value?.kind === 'outside' || value?.kind === 'secret' ? value : undefined;
  };
};

/** The same for the name of an image, which has to be known now: with the values of public variables, and as it is for this run. */
export const knownForImages = (known: Known, given: Given): Known => {
  const circumstances = circumstancesOf(given);
  return (name) => {
    const value = known(name);
    if (value?.kind === 'run') return runValue(textOf(value, circumstances));
    const there = value?.kind === 'outside' ? given.publicValues?.get(value.name) : undefined;
    return there === undefined ? value : runValue(there);
  };
};

/** A text as a value: variables in it are filled by the shell. */
export const shellValue = (text: string): ShellValue =>
  text.includes('$') ? { kind: 'expanded', text } : { kind: 'literal', value: text };
