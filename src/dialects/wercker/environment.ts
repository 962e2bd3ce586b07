import { basename } from 'node:path';
import type { EnvValue, ShellValue, Variable } from '../../plan/plan.ts';
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
import type { Known } from './filled.ts';

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

const literals = (values: Readonly<Record<string, string>>): readonly Variable[] =>
  Object.entries(values).map(([name, value]) => ({ name, value: { kind: 'literal', value } }));

const generic = (given: Given, pipeline: string, { base, workdir }: Paths): readonly Variable[] => {
  const { run, source = {}, project } = given;
  const id = run?.id ?? '';
  const build = buildOf(given);
  const { domain, owner, repository } = source;
  const url = given.pages?.run ?? (run === undefined ? '' : `cion:run/${run.number}`);
  return literals({
    BUILD_ID: build,
    BUILD_DIR: buildDirectory(build),
    OUTPUT_DIR: outputLink,
    GIT_URL: domain && owner && repository ? `${domain}/${owner}/${repository}` : '',
    WERCKER: 'true',
    WERCKER_DIR: mountDirectory,
    WERCKER_ROOT: base,
    WERCKER_SOURCE_DIR: workdir,
    WERCKER_CACHE_DIR: cacheDirectory,
    WERCKER_OUTPUT_DIR: outputDirectory,
    WERCKER_PIPELINE_DIR: pipelineDirectory,
    WERCKER_REPORT_DIR: reportDirectory,
    WERCKER_APPLICATION_ID: project,
    WERCKER_APPLICATION_NAME: source.repository ?? basename(project),
    WERCKER_APPLICATION_OWNER_NAME: source.owner ?? '',
    WERCKER_APPLICATION_URL: given.pages?.project ?? `cion:project/${project}`,
    TERM: 'xterm-256color',
    WERCKER_RUN_ID: id,
    WERCKER_RUN_URL: url,
    WERCKER_GIT_DOMAIN: source.domain ?? '',
    WERCKER_GIT_OWNER: source.owner ?? '',
    WERCKER_GIT_REPOSITORY: source.repository ?? '',
    WERCKER_GIT_BRANCH: source.branch ?? '',
    WERCKER_GIT_TAG: source.tag ?? '',
    WERCKER_GIT_COMMIT: source.commit ?? '',
    WERCKER_STARTED_BY: run?.startedBy ?? '',
    WERCKER_MAIN_PIPELINE_STARTED: run === undefined ? '' : String(Math.floor(run.startedAt / 1000)),
    ...(isDeploy(given, pipeline)
      ? {
          DEPLOY: 'true',
          WERCKER_DEPLOY_ID: id,
          WERCKER_DEPLOY_URL: url,
          ...(given.target === undefined ? {} : { WERCKER_DEPLOYTARGET_NAME: given.target }),
          ...(given.lastBuild === undefined ? {} : { WERCKER_LAST_BUILD_BOX: given.lastBuild.image }),
        }
      : { BUILD: 'true', CI: 'true', WERCKER_BUILD_ID: build, WERCKER_BUILD_URL: url }),
  });
};

/** What the build was called by whoever asked for it, else the run. */
export const buildOf = ({ run }: Given): string => run?.build ?? run?.id ?? 'build';

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
    if (value?.kind === 'literal') return value.value;
    return value?.kind === 'outside' || value?.kind === 'secret' ? value : undefined;
  };
};

/** The same for the name of an image, which has to be known now: with the values of public variables. */
export const knownForImages =
  (known: Known, { publicValues }: Given): Known =>
  (name) => {
    const value = known(name);
    return typeof value === 'object' && value.kind === 'outside' ? (publicValues?.get(value.name) ?? value) : value;
  };

/** A text as a value: variables in it are filled by the shell. */
export const shellValue = (text: string): ShellValue =>
  text.includes('$') ? { kind: 'expanded', text } : { kind: 'literal', value: text };
