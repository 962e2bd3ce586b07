import { posix } from 'node:path';
import { parsed, type Range, refused } from '../../plan/problem.ts';
import type { Limits, Retry, RetryCause, Service, Stage } from '../../plan/plan.ts';
import { imageCommand, reference } from '../../plan/stage.ts';
import { duration } from '../duration.ts';
import { mapping, type MappingOf, optional, required } from '../mapping.ts';
import { memorySize } from '../memory-size.ts';
import { quoted } from '../quoted.ts';
import { byKind, choice, defined, mapped, oneOrMore, type Shape, type TextShape, text, textAs } from '../shape.ts';
import { cmd, run } from './command.ts';
import { type Env, stageEnv } from './env.ts';
import { image } from './image.ts';
import { decimalNumber, wholeNumber } from './numbers.ts';
import { services } from './services.ts';

const causes = ['failed', 'errored', 'timeout', 'oom'] as const satisfies readonly RetryCause[];
const attempts = wholeNumber(1, 10);

const retry: Shape<Retry> = byKind<Retry>({
  scalar: { ...mapped(attempts, (count): Retry => retryOf(count, causes)), what: attempts.what },
  map: mapped(
    mapping({
      attempts: required(attempts, 'How often it is tried in all.'),
      on: optional(
        oneOrMore(choice('a cause to try again', causes)),
        'Causes to try again: failed, errored, timeout, oom; otherwise all of them.',
      ),
    }),
    (given) => retryOf(given.attempts, given.on ?? causes),
  ),
});

const retryOf = (count: number, on: readonly RetryCause[]): Retry => ({ attempts: count, on: count === 1 ? [] : [...new Set(on)] });

const limits: Shape<Limits> = mapped(
  mapping({
    cpus: optional(decimalNumber(0.01, 1024), 'How many processors it may use, as in 1.5.'),
    memory: optional(memorySize, 'How much memory it may use, as in 512m or 2g.'),
    pids: optional(wholeNumber(1, 4_194_304), 'How many processes it may have at once.'),
  }),
  ({ cpus, memory, pids }) => ({
    ...(cpus === undefined ? {} : { cpus }),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(pids === undefined ? {} : { pids }),
  }),
);

const user: TextShape<string> = textAs('a user', { type: ['string', 'integer'] }, (given) =>
  /^[A-Za-z0-9_][\w.-]*(:[A-Za-z0-9_][\w.-]*)?$/.test(given)
    ? parsed(given)
    : refused({ code: 'WRONG_VALUE', message: `${quoted(given)} is not a user.`, hint: 'Write it like node, 1000 or 1000:1000.' }),
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
  workdir: optional(text, 'The working directory: absolute, or relative to where it would be otherwise.'),
};

export const stageOptions = { apart: [['run', 'cmd']] } as const;

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
