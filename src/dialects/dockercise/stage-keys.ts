import type { Command, Stage } from '../../plan/plan.ts';
import { cacheBeside } from '../cache.ts';
import { nothingToRun } from '../command.ts';
import { duration } from '../duration.ts';
import { limits } from '../limits.ts';
import { mapping, type MappingOf, optional, required } from '../mapping.ts';
import { environmentName } from '../names.ts';
import { quoted } from '../quoted.ts';
import { retry } from '../retry.ts';
import { byKind, choice, defined, flag, list, mapped, oneOrMore, type Place, type Shape, type TextShape, text, textAs } from '../shape.ts';
import { parsed, refused } from '../../plan/problem.ts';
import { user } from '../user.ts';
import { after } from './after.ts';
import { workingDir } from './directories.ts';
import { env, services } from './env.ts';
import { img } from './img.ts';
import { type Said, said, saidShape } from './names.ts';
import { isTaken, type Vol, vol } from './vol.ts';

const scriptOf = (lines: readonly string[], place: Place): string | undefined =>
  lines.every((line) => line.trim() === '') ? nothingToRun(place) : lines.join('\n');

/** A script for the image's `sh`; the lines of a list are the lines of one script. */
const script: Shape<string> = byKind<string>({
  scalar: { ...mapped(text, (given, place) => scriptOf([given], place)), what: text.what },
  list: mapped(list(text), scriptOf),
});

type Done = { readonly run: string; readonly timeout?: number; readonly 'silent-timeout'?: number };

const doneKeys = mapping({
  run: required(script, 'What runs after "run" has passed.'),
  timeout: optional(duration, 'How long it may run, as in 10m.'),
  'silent-timeout': optional(duration, 'How long it may write nothing to its log, as in 5m.'),
});

const done: Shape<Done> = byKind<Done>({
  scalar: { ...mapped(text, (given, place) => asDone([given], place)), what: text.what },
  list: mapped(list(text), (lines, place) => asDone(lines, place)),
  map: doneKeys,
});

const asDone = (lines: readonly string[], place: Place): Done | undefined => {
  const run = scriptOf(lines, place);
  return run === undefined ? undefined : { run };
};

/** `true` and `false` are no secret's name. */
const ssh: TextShape<string | boolean> = textAs<string | boolean>(
  'true, false or the name of a secret',
  { type: ['string', 'boolean'] },
  (given) => {
    if (given === 'true' || given === 'false') return parsed(given === 'true');
    if (/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(given)) return parsed(given);
    return refused({
      code: 'BAD_NAME',
      message: `${quoted(given)} is not the name of a secret.`,
      hint: 'Write true, or a name like DEPLOY_KEY.',
    });
  },
);

const cache = cacheBeside((path) => isTaken(path) || `${workingDir}/`.startsWith(`${path}/`));

const names = oneOrMore(said(text));

export const stageFields = {
  img: optional(
    img,
    'The image: a reference, "./directory" with a Dockerfile, a stage that leaves an image, or { stage } that prints its name.',
  ),
  run: optional(saidShape(script), 'A command for the image’s sh, or several lines; otherwise the image’s own command runs.'),
  done: optional(saidShape(done), 'A command that runs after "run" has passed; the stage is complete when this has passed too.'),
  'done-timeout': optional(duration, 'How long "done" may run, as in 10m.'),
  env: optional(defined('env', env), 'Variables: names of stages and of variables from outside, KEY=value, or a mapping.'),
  vol: optional(oneOrMore(vol), 'Files: a stage, "stage:path", "source" for the commit, or "/host/path:/container/path".'),
  cache: optional(defined('cache', cache), 'Directories that are kept from run to run: paths, or a name and a path.'),
  after: optional(after, 'Runs after these stages have passed, or after a human-click.'),
  if: optional(names, 'Runs if these stages have passed; that they say no fails nothing.'),
  unless: optional(names, 'Runs if these stages have said no.'),
  finally: optional(names, 'Runs when these stages have ended, however they ended: for cleaning up.'),
  always: optional(flag, 'Runs when what it comes "after" has ended, however it ended.'),
  noLog: optional(flag, 'Keeps no log, and its output is a secret.'),
  sensitive: optional(flag, 'The same as noLog.'),
  dir: optional(text, 'Where the command begins, from the working directory.'),
  ssh: optional(ssh, 'A key for ssh and git: true for the secret DEPLOY_KEY, or the name of another secret; false for none.'),
  services: optional(defined('services', services), 'Containers beside it, reached by their names while it runs.'),
  timeout: optional(duration, 'How long it may run, as in 10m.'),
  'silent-timeout': optional(duration, 'How long it may write nothing to its log, as in 5m.'),
  log: optional(
    choice('a way to keep the log', ['kept', 'live']),
    'Live is faster for a stage that writes hundreds of megabytes, which has to run again should cion die; otherwise kept.',
  ),
  retry: optional(retry, 'How often it is tried in all, as in 3; or attempts and the causes.'),
  limits: optional(limits, 'What it may use of the machine.'),
  user: optional(user, 'The user it runs as, as in 1000:1000; otherwise the image’s own.'),
  deploys: optional(environmentName, 'The environment that it deploys to: when it passes, that is recorded as a deployment.'),
  'may-fail': optional(flag, 'Its failure does not fail the run.'),
};

/** What other texts of this kind call them. */
const alike = {
  image: 'img',
  cmd: 'run',
  command: 'run',
  script: 'run',
  environment: 'env',
  volumes: 'vol',
  needs: 'after',
  depends_on: 'after',
  workdir: 'dir',
  working_dir: 'dir',
};

export const stageKeys = mapping(stageFields, { apart: [['noLog', 'sensitive']], alike });

export type StageKeys = MappingOf<typeof stageFields>;

/** Without an image: it only joins others. */
const joinKeys: ReadonlySet<string> = new Set(['after', 'if', 'unless', 'finally']);

export const isJoin = (keys: StageKeys): boolean => {
  const given = Object.keys(keys);
  return given.length > 0 && given.every((key) => joinKeys.has(key));
};

export const cachesOf = (keys: StageKeys): readonly Said<Vol>[] =>
  (keys.cache ?? []).map(({ key, path, range }) => ({ value: { kind: 'cache', key, path }, range }));

/** The keys that mean one part of a Stage each. */
export const plainParts = (keys: StageKeys) =>
  ({
    ...(keys.user === undefined ? {} : { user: keys.user }),
    services: keys.services ?? [],
    limits: keys.limits ?? {},
    timeouts: timeoutsOf(keys.timeout, keys['silent-timeout']),
    retry: keys.retry ?? { attempts: 1, on: [] },
    ...(keys.log === 'live' ? { log: keys.log } : {}),
    sensitive: keys.noLog ?? keys.sensitive ?? false,
    ...(keys.deploys === undefined ? {} : { deploys: { environment: keys.deploys } }),
  }) satisfies Partial<Stage>;

export const timeoutsOf = (totalMs: number | undefined, silentMs: number | undefined) => ({
  ...(totalMs === undefined ? {} : { totalMs }),
  ...(silentMs === undefined ? {} : { silentMs }),
});

export const shell = (given: string): Command => ({ kind: 'shell', script: given });
