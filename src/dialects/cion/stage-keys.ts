import { posix } from 'node:path';
import type { Range } from '../../plan/problem.ts';
import type { Service, Stage } from '../../plan/plan.ts';
import { imageCommand, reference } from '../../plan/stage.ts';
import { cacheBeside, overlap } from '../cache.ts';
import { cmd } from '../command.ts';
import { duration } from '../duration.ts';
import type { Env } from '../env.ts';
import { image } from '../image.ts';
import { limits } from '../limits.ts';
import { type MappingOf, optional, required } from '../mapping.ts';
import { retry } from '../retry.ts';
import { choice, defined, text } from '../shape.ts';
import { user } from '../user.ts';
import { services, stageEnv } from './env.ts';
import { artifactsDir, buildDir, inputsDir } from './directories.ts';
import { run } from './run.ts';

const cache = cacheBeside(
  (path) => [artifactsDir, inputsDir].some((taken) => overlap(path, taken)) || `${buildDir}/`.startsWith(`${path}/`),
);

/** The keys that a section and a stage have in common. */
export const stageFields = {
  image: required(image, 'The image that the container is made of, as in node:24 or ghcr.io/owner/image@sha256:….'),
  run: optional(run, 'Lines of a shell script, which ends at the first one that fails.'),
  cmd: optional(cmd, "In place of the image's command: a text for sh -c, or a list of arguments."),
  env: optional(defined('env', stageEnv), 'Additional environment variables: a map, or a list of KEY=value.'),
  services: optional(defined('services', services), 'Containers beside it, reached by their names while it runs.'),
  timeout: optional(duration, 'How long it may run, as in 10m.'),
  'silent-timeout': optional(duration, 'How long it may write nothing to its log, as in 5m.'),
  retry: optional(retry, 'How often it is tried in all, as in 3; or attempts and the causes.'),
  log: optional(
    choice('a way to keep the log', ['kept', 'live']),
    'Live is faster for a stage that writes hundreds of megabytes, which has to run again should cion die; otherwise kept.',
  ),
  limits: optional(limits, 'What it may use of the machine.'),
  user: optional(user, 'The user it runs as, as in 1000:1000; otherwise the image’s own.'),
  cache: optional(defined('cache', cache), 'Directories that are kept from run to run: paths, or a name and a path.'),
  workdir: optional(text, 'The working directory: absolute, or relative to where it would be otherwise.'),
};

export const stageOptions = {
  apart: [['run', 'cmd']],
  alike: {
    img: 'image',
    box: 'image',
    script: 'run',
    command: 'cmd',
    environment: 'env',
    after: 'needs',
    depends_on: 'needs',
    dir: 'workdir',
    working_dir: 'workdir',
  },
} as const;

export type StageKeys = MappingOf<typeof stageFields>;

/** What the place of a stage in the file decides. */
export type Setting = {
  readonly range: Range;
  readonly directories: Env;
  readonly workdir: string;
  readonly services: readonly Service[];
};

/** The common keys as parts of a Stage. */
export const stageParts = (keys: StageKeys, setting: Setting) => {
  const command = keys.run ?? keys.cmd ?? imageCommand;
  const workdir = workdirOf(keys, setting);
  return {
    range: setting.range,
    image: reference(keys.image),
    command,
    ...(workdir === undefined ? {} : { workdir }),
    ...(keys.user === undefined ? {} : { user: keys.user }),
    env: { ...setting.directories, ...keys.env },
    ...(keys.log === 'live' ? { log: keys.log } : {}),
    services: withOwn(setting.services, keys.services ?? []),
    limits: keys.limits ?? {},
    timeouts: {
      ...(keys.timeout === undefined ? {} : { totalMs: keys.timeout }),
      ...(keys['silent-timeout'] === undefined ? {} : { silentMs: keys['silent-timeout'] }),
    },
    retry: keys.retry ?? { attempts: 1, on: [] },
  } satisfies Partial<Stage>;
};

/** Without a command of the user's the image's own directory stays: its command may be relative to it. */
const workdirOf = ({ run, cmd, workdir }: StageKeys, setting: Setting): string | undefined => {
  if (workdir !== undefined) return posix.resolve(setting.workdir, workdir);
  return run === undefined && cmd === undefined ? undefined : setting.workdir;
};

/** A service of the stage's own replaces one of the same name for all. */
const withOwn = (forAll: readonly Service[], own: readonly Service[]): readonly Service[] => {
  const names = new Set(own.map(({ name }) => name));
  return [...forAll.filter(({ name }) => !names.has(name)), ...own];
};
