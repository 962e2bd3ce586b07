import { didYouMean } from '../../lib/did-you-mean.ts';
import type { ImageSource, Plan, Stage, Variable } from '../../plan/plan.ts';
import { reference, stage } from '../../plan/stage.ts';
import type { Given } from '../dialect.ts';
import { literal } from '../env.ts';
import { quoted } from '../quoted.ts';
import { blame, type Place } from '../shape.ts';
import type { Box } from './box.ts';
import type { Common } from './configuration.ts';
import {
  cacheDirectory,
  cacheMount,
  functionsFile,
  outputDirectory,
  pipelineDirectory,
  reportDirectory,
  sourceMount,
  usualBasePath,
} from './directories.ts';
import { environmentOf, isDeploy, knownForImages, knownOf, shellValue } from './environment.ts';
import { shellFunctions } from './shell-functions.ts';
import { imageOf } from './image-of.ts';
import type { Pipeline } from './pipeline.ts';
import { asVariables, servicesOf } from './services-of.ts';
import { setupScript } from './step-scripts.ts';
import type { StepItem } from './step-item.ts';
import { makeSteps, type Wanted } from './steps-of.ts';

export type Chosen = { readonly name: string; readonly pipeline: Pipeline; readonly common: Common };
export type Made = { readonly plan?: Plan; readonly wanted: readonly Wanted[] };

const minuteMs = 60_000;
const mebibyte = 1024 * 1024;
const dockerSocket = '/var/run/docker.sock';

/** The plan of one pipeline: one stage. Without a plan something was reported, or step code is wanted. */
export const makePlan = ({ name, pipeline, common }: Chosen, given: Given, place: Place): Made => {
  const items = itemsOf(pipeline, given.target, name, place);
  const base = pipeline.basePath?.value ?? usualBasePath;
  const workdir = common['source-dir'] ? `${base}/${common['source-dir']}` : base;
  const box = pipeline.box ?? common.box ?? undefined;
  const variables = environmentOf(given, name, { base, workdir }, boxVariables(box, pipeline));
  const known = knownOf(variables);
  const readImage = (found: Box) => imageOf(found, knownForImages(known, given), place);
  const image = boxImage(box, pipeline, given, name, readImage, place);
  const { services, links } = servicesOf(pipeline.services ?? common.services ?? [], known, readImage, place);
  const timeouts = {
    totalMs: common['command-timeout'] ?? 25 * minuteMs,
    silentMs: common['no-response-timeout'] ?? 5 * minuteMs,
  };
  const ignoreFile = common['ignore-file'] ?? '.werckerignore';
  const setup = setupScript({ base, workdir, ignoreFile });
  const made = makeSteps(items ?? [], pipeline.afterSteps, { given, base, timeouts, setup }, place);
  if (box !== undefined) tellUnusedKeys(box, place);
  tellDocker(pipeline, place);
  if (image === undefined || items === undefined || made.wanted.length > 0) return { wanted: made.wanted };
  const user = userOf(box);
  const node: Stage = stage({
    name,
    image,
    range: place.range,
    command: { kind: 'steps', variables: [...asVariables(links), ...variables], steps: made.steps, after: made.after },
    workdir,
    ...(user === undefined ? {} : { user }),
    mounts: [
      { kind: 'volume', volume: 'source', path: sourceMount, access: 'read-only' },
      { kind: 'volume', volume: 'cache', path: cacheMount, access: 'read-only' },
      ...made.mounts,
      ...(pipeline.docker === undefined
        ? []
        : [{ kind: 'host', hostPath: dockerSocket, path: dockerSocket, access: 'read-write' } as const]),
    ],
    directories: [...new Set([pipelineDirectory, base, workdir, reportDirectory])],
    files: [{ path: functionsFile, value: literal(shellFunctions) }],
    caches: [{ key: 'wercker', path: cacheDirectory, limitBytes: 1000 * mebibyte }],
    taken: { path: outputDirectory, or: base, limitBytes: 5000 * mebibyte },
    services,
    ...(isDeploy(given, name) ? { deploys: { environment: given.target ?? name } } : {}),
  });
  const plan: Plan = {
    version: 1,
    pipeline: name,
    nodes: [node],
    volumes: [{ name: 'source', from: 'source' }, { name: 'cache', from: { cache: 'wercker' } }, ...made.volumes],
  };
  return { plan, wanted: [] };
};

const itemsOf = (pipeline: Pipeline, target: string | undefined, name: string, place: Place): readonly StepItem[] | undefined => {
  if (target === undefined) return pipeline.steps;
  const items = pipeline.targets.get(target);
  if (items !== undefined) return items;
  const hint = didYouMean(target, pipeline.targets.keys()) ?? 'Without a target its "steps" run.';
  return blame(place, { code: 'DEPLOY_TARGET_UNKNOWN', message: `The pipeline ${quoted(name)} has no target ${quoted(target)}.`, hint });
};

/** A deploy begins in the image that its build left, unless the pipeline names another (R-WRK-36, R-WRK-37). */
const boxImage = (
  box: Box | undefined,
  pipeline: Pipeline,
  { lastBuild }: Given,
  name: string,
  read: (box: Box) => ImageSource | undefined,
  place: Place,
): ImageSource | undefined => {
  if (pipeline.box === undefined && lastBuild !== undefined) return reference(lastBuild.image);
  if (box !== undefined) return read(box);
  const message = `The pipeline ${quoted(name)} has no box.`;
  return blame(place, { code: 'NO_BOX', message, hint: 'Name an image for the whole file, as in "box: debian", or for this pipeline.' });
};

const boxVariables = (box: Box | undefined, { docker }: Pipeline): readonly Variable[] => [
  ...(docker === undefined ? [] : [{ name: 'DOCKER_HOST', value: literal(`unix://${dockerSocket}`) }]),
  ...(box?.env ?? []).map(({ name, value }) => ({ name: name.toUpperCase(), value: shellValue(value) })),
];

const tellDocker = ({ docker }: Pipeline, place: Place): void => {
  if (docker === undefined) return;
  const message = 'The steps are given the Docker of this machine, and with it all rights on the machine.';
  blame(
    place,
    { code: 'DOCKER_ACCESS', message, hint: 'It runs only where paths of the machine are allowed to be mounted.' },
    docker.range,
  );
};

const shellOf = /^(?:(?:\/usr)?(?:\/bin\/)?)(?:ba|da|a|z)?sh$/;
const isSudo = ({ cmd = [] }: Box): boolean => /^(?:\/usr\/bin\/|\/bin\/)?sudo$/.test(cmd[0] ?? '');

/** A box whose shell is started by sudo is one whose user is not root, and whose steps are to be. */
const userOf = (box: Box | undefined): string | undefined => (box !== undefined && isSudo(box) ? 'root' : undefined);

const tellUnusedKeys = (box: Box, place: Place): void => {
  const unused = (key: string, hint: string): undefined =>
    blame(place, { code: 'KEY_UNUSED', message: `"${key}" of a box has no meaning here.`, hint }, box.range);
  if (box.cmd?.[0] !== undefined && !shellOf.test(box.cmd[0]) && !isSudo(box)) {
    unused('cmd', 'Steps run in the bash of the image, else in its sh.');
  }
  if (box.entrypoint !== undefined) unused('entrypoint', 'Steps run in the bash of the image, else in its sh.');
  if (box.volumes !== undefined) unused('volumes', 'Directories of this machine are not mounted.');
};
