import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { smallImage } from './machine-image.ts';
import { git, repository } from './repository.ts';
import { werckerFor } from './wercker-project.ts';

/** What steps find in their shell, on the real engine. */
const undone: (() => Promise<void>)[] = [];
const suite = { after: (undo: () => Promise<void>) => void undone.push(undo) };
const wercker = werckerFor('environment', suite);

let bash = '';
before(async () => {
  bash = await smallImage(suite, `cion-e2e/environment-${process.pid}`, ['bash']);
});
after(async () => {
  for (const undo of undone.reverse()) await undo();
});

const awkward = {
  DOLLAR: 'a$b',
  BRACES: '${HOME} ${X:-y} $$ $1',
  COMMAND: '$(touch /executed; id)',
  BACKTICKS: '`touch /executed`',
  QUOTES: `it's "quoted" '$PATH' \\"\\n`,
  LINES: 'first\n  second\n\nlast\n',
  SEMICOLON: '; touch /executed; #',
  SPACES: '  x   y\t',
  STARS: '* ? [a-z] ~ !',
  EMPTY: '',
  UNICODE: 'größe ☃',
};
const names = Object.keys(awkward) as readonly (keyof typeof awkward)[];
/** A secret that is shorter cannot be kept out of a log, and is refused. */
const secrets = Object.fromEntries(Object.entries(awkward).filter(([, value]) => value.length >= 4));
const prefixed = (prefix: string, values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));
const letters = (value: string): string =>
  Buffer.from(value)
    .toString('hex')
    .replace(/./g, (digit) => 'ghijklmnopqrstuv'.charAt(Number.parseInt(digit, 16)));

/** In letters that no redaction knows, so that nothing is masked. */
const shows = (words: readonly string[]): string =>
  words.map((word) => `printf '%s=' '${word}'; printf '%s' "$${word}" | od -An -v -tx1 | tr -d ' \\n' | tr 0-9a-f g-v; echo`).join('\n');
const script = (name: string, code: string, more: object = {}) => ({ script: { name, code, ...more } });

/** Every byte that is kept of the project's runs. */
const storedIn = (cwd: string): string =>
  readdirSync(join(cwd, '.cion'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(cwd, '.cion', name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');

for (const shell of ['bash', 'sh'] as const) {
  test(`values from outside reach every step of a box with ${shell} byte for byte, nothing in them is run, and protected ones are masked (R-WRK-45, R-WRK-58, R-WRK-59)`, async (t) => {
    const look = `${shows(names)}\n${shows(Object.keys(secrets).map((name) => `P_${name}`))}\nls /executed 2>/dev/null && echo executed`;
    const cwd = repository(t, {
      'wercker.yml': JSON.stringify({
        box: shell === 'bash' ? bash : 'busybox',
        build: {
          steps: [
            script('where from', 'echo "$FROM_FILE|$OPTION|$BOTH|${OTHER-none}"'),
            script('look', `${look}\ntrue`),
            script('leak', 'env | grep ^PASSWORD; echo "it is $PASSWORD" >&2'),
          ],
          'after-steps': [script('look again', `${look}\ntrue`), script('leak again', 'echo "$PASSWORD"')],
        },
      }),
      'given.env': 'X_FROM_FILE="of a file"\nX_BOTH=file\n',
    });
    const secret = { XXX_PASSWORD: 'correct-horse-battery' };
    const env = { ...prefixed('X_', awkward), ...prefixed('XXX_P_', secrets), ...secret, X_BOTH: 'environment', OTHER: 'stays outside' };
    const ended = await wercker.passes(cwd, ['build', '--no-commit', '--env-file', 'given.env', '-e', 'X_OPTION=of an option'], env);
    const expected = [
      ...names.map((name) => `${name}=${letters(awkward[name])}`),
      ...Object.entries(secrets).map(([name, value]) => `P_${name}=${letters(value)}`),
    ];
    for (const step of ['script-2', 'script-4']) {
      assert.deepEqual((await wercker.logOf(cwd, { step })).trimEnd().split('\n'), expected, step);
    }
    assert.equal(await wercker.logOf(cwd, { step: 'script' }), 'of a file|of an option|file|none\n');
    const all = `${ended.out}${ended.err}${storedIn(cwd)}`;
    assert.ok(!all.includes('correct-horse-battery'));
    assert.match(ended.out, /it is \*+/);
    assert.match(await wercker.logOf(cwd, { step: 'script-5' }), /^\*+\n$/);
  });
}

test('variables of the project lie in one file and those of the job in another, which wins (R-WRK-57)', async (t) => {
  const cwd = repository(t, {
    'wercker.yml': JSON.stringify({ box: 'busybox', build: { steps: [script('look', 'echo "$BOTH|$PROJECT|$JOB"')] } }),
    'project.env': 'X_BOTH=project\nX_PROJECT=of the project\n',
    'job.env': 'X_BOTH=job\nX_JOB=of the job\n',
  });
  await wercker.passes(cwd, ['build', '--no-commit', '--env-file', 'project.env', '--env-file', 'job.env']);
  assert.equal(await wercker.logOf(cwd, { step: 'script' }), 'job|of the project|of the job\n');
});

test('options are filled by the shell of the box when their step begins, are exact, are of their step alone, and nothing in them is run (R-WRK-41, R-WRK-42, R-WRK-44, R-WRK-45, R-WRK-46, R-WRK-47)', async (t) => {
  const options = {
    'key-id': '$GIVEN',
    second: '${EARLIER}/$GIVEN',
    part: '${COMMIT:0:7}',
    'or-else': '${MISSING:-x}',
    missing: '[$MISSING]',
    dir: 'build/',
    text: 'it\'s "so" & `touch /executed` \\ $(touch /executed)\n two  spaces',
    'Mixed.case': 'yes, 012',
  };
  const wanted = {
    WERCKER_SHOW_KEY_ID: 'from outside',
    WERCKER_SHOW_SECOND: 'of a step/from outside',
    WERCKER_SHOW_PART: '0123456',
    WERCKER_SHOW_OR_ELSE: 'x',
    WERCKER_SHOW_MISSING: '[]',
    WERCKER_SHOW_DIR: 'build/',
    WERCKER_SHOW_TEXT: options.text,
    WERCKER_SHOW_MIXED_CASE: 'yes, 012',
  };
  const show = `${shows(Object.keys(wanted))}\necho "$WERCKER_SHOW_DIR"\nls /executed 2>/dev/null\ntrue\n`;
  const cwd = repository(t, {
    'wercker.yml': JSON.stringify({
      box: bash,
      build: {
        steps: [
          script('before', 'export EARLIER="of a step" COMMIT=0123456789abcdef'),
          { 'show "file://show"': options },
          script('other', 'echo "${!WERCKER_SHOW*}|${!WERCKER_SCRIPT*}"'),
          { 'show "file://show"': { dir: 'other' } },
        ],
      },
    }),
    'show/run.sh': show,
    'show/step.yml': 'name: show\nversion: 1.0.0\n',
  });
  await wercker.passes(cwd, ['build', '--no-commit'], { X_GIVEN: 'from outside' });
  const expected = Object.entries(wanted).map(([name, value]) => `${name}=${letters(value)}\n`);
  assert.equal(await wercker.logOf(cwd, { step: 'show' }), `${expected.join('')}build/\n`);
  assert.equal(await wercker.logOf(cwd, { step: 'script-2' }), '|\n');
  const second = await wercker.logOf(cwd, { step: 'show-2' });
  assert.match(second, /^WERCKER_SHOW_KEY_ID=$/m);
  assert.match(second, /^other$/m);
});

test('every step of a build and of a deploy finds the generic variables, its own, and directories that are there (R-WRK-61, R-WRK-62, R-WRK-130, R-WRK-131, R-WRK-132, R-WRK-134, R-WRK-135, R-WRK-136, R-WRK-137, R-WRK-138, R-WRK-139, R-WRK-140, R-WRK-141, R-WRK-142, R-WRK-143, R-WRK-144, R-WRK-145, R-WRK-146, R-WRK-147, R-WRK-148, R-WRK-149, R-WRK-151, R-WRK-152, R-WRK-153, R-WRK-154, R-WRK-155, R-WRK-156, R-WRK-157)', async (t) => {
  const look = `
for directory in "$WERCKER_ROOT" "$WERCKER_SOURCE_DIR" "$WERCKER_PIPELINE_DIR" "$WERCKER_OUTPUT_DIR" "$WERCKER_CACHE_DIR" "$WERCKER_REPORT_DIR" "$WERCKER_STEP_ROOT"; do
  [ -d "$directory" ] && touch "$directory/writable" && rm "$directory/writable" || exit 5
done
for file in "$WERCKER_REPORT_NUMBERS_FILE" "$WERCKER_REPORT_MESSAGE_FILE" "$WERCKER_REPORT_ARTIFACTS_DIR/it"; do touch "$file" || exit 6; done
env | grep -E '^(WERCKER|BUILD|CI|DEPLOY|GENERAL|PIPELINE_OWN|OF_BOX)' | sort
`;
  const cwd = repository(t, {
    'wercker.yml': JSON.stringify({
      box: { id: 'busybox', env: { of_box: 'box', general: 'box' } },
      build: { steps: [script('look', look), 'ada/step "file://one"'], 'after-steps': [script('last', look)] },
      deploy: { steps: [script('look', look)] },
    }),
    'one/run.sh': look,
    'one/step.yml': 'name: step\nversion: 1.0.0\n',
  });
  git(cwd, 'remote', 'add', 'origin', 'https://git.example.org/acme/website.git');
  const commit = git(cwd, 'rev-parse', 'HEAD');
  const before = Math.floor(Date.now() / 1000);
  await wercker.passes(cwd, ['build'], { X_GENERAL: 'project', X_TOLD: '1' });
  const valuesOf = async (step: string): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries(
      (await wercker.logOf(cwd, { step }))
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
  const [created] = await wercker.events(cwd);
  assert.ok(created?.kind === 'run.created');
  const values = await valuesOf('script');
  const started = Number(values.WERCKER_MAIN_PIPELINE_STARTED);
  assert.ok(started >= before && started <= Date.now() / 1000);
  const expected = {
    WERCKER: 'true',
    BUILD: 'true',
    CI: 'true',
    DEPLOY: undefined,
    WERCKER_BUILD_ID: created.run,
    WERCKER_BUILD_URL: 'cion:run/1',
    WERCKER_RUN_ID: created.run,
    WERCKER_GIT_DOMAIN: 'git.example.org',
    WERCKER_GIT_OWNER: 'acme',
    WERCKER_GIT_REPOSITORY: 'website',
    WERCKER_GIT_BRANCH: 'main',
    WERCKER_GIT_COMMIT: commit,
    WERCKER_ROOT: '/pipeline/source',
    WERCKER_SOURCE_DIR: '/pipeline/source',
    WERCKER_OUTPUT_DIR: '/pipeline/output',
    WERCKER_CACHE_DIR: '/pipeline/cache',
    WERCKER_PIPELINE_DIR: '/pipeline',
    WERCKER_REPORT_DIR: '/report',
    WERCKER_STARTED_BY: created.trigger.by,
    WERCKER_APPLICATION_ID: created.project,
    WERCKER_APPLICATION_NAME: 'website',
    WERCKER_APPLICATION_OWNER_NAME: 'acme',
    OF_BOX: 'box',
    GENERAL: 'project',
  };
  const own = (id: string, owner: string, name: string) => ({
    WERCKER_STEP_ID: id,
    WERCKER_STEP_OWNER: owner,
    WERCKER_STEP_NAME: name,
    WERCKER_STEP_ROOT: `/pipeline/${id}`,
    WERCKER_REPORT_NUMBERS_FILE: `/report/${id}/numbers.ini`,
    WERCKER_REPORT_MESSAGE_FILE: `/report/${id}/message.txt`,
    WERCKER_REPORT_ARTIFACTS_DIR: `/report/${id}/artifacts`,
  });
  const ownersOf = { script: ['wercker', 'script'], step: ['ada', 'step'], 'script-2': ['wercker', 'script'] } as const;
  for (const [id, [owner, name]] of Object.entries(ownersOf)) {
    const found = await valuesOf(id);
    for (const [variable, value] of Object.entries({ ...expected, ...own(id, owner, name) })) {
      assert.equal(found[variable], value, `${variable} in ${id}`);
    }
  }
  assert.equal((await valuesOf('script-2')).WERCKER_RESULT, 'passed');

  await wercker.passes(cwd, ['deploy']);
  const deploy = await valuesOf('script');
  assert.deepEqual(
    [deploy.DEPLOY, deploy.BUILD, deploy.CI, deploy.WERCKER_BUILD_ID, deploy.WERCKER_GIT_COMMIT, deploy.GENERAL],
    ['true', undefined, undefined, undefined, commit, 'box'],
  );
});

test('all steps of a pipeline are sourced into one shell of one container, which is not this machine; what they say of themselves is kept (R-WRK-56, R-WRK-79, R-WRK-158, R-WRK-159, R-WRK-161)', async (t) => {
  const cwd = repository(t, {
    'wercker.yml': JSON.stringify({
      box: bash,
      build: {
        steps: [
          script(
            'first',
            'LOCAL=kept; greet() { echo "hello $1"; }; cat /proc/sys/kernel/hostname >/host; echo $$ >/pid; readlink /proc/self/ns/pid >/ns',
          ),
          'ada/second "file://second"',
          script('third', 'setMessage "all is well"; printf "tests=12\\nwarnings=0\\n" >"$WERCKER_REPORT_NUMBERS_FILE"; cat /ns'),
        ],
      },
    }),
    'second/run.sh': 'greet "$LOCAL"; [ "$(cat /pid) $(cat /host)" = "$$ $(cat /proc/sys/kernel/hostname)" ] && echo same\n',
    'second/step.yml': 'name: second\nversion: 1.0.0\n',
  });
  const { out } = await wercker.passes(cwd, ['build', '--no-commit']);
  assert.equal(await wercker.logOf(cwd, { step: 'second' }), 'hello kept\nsame\n');
  assert.doesNotMatch(await wercker.logOf(cwd, { step: 'script-2' }), new RegExp(`\\[${namespaceHere()}\\]`));
  const events = await wercker.events(cwd);
  assert.equal(events.filter(({ kind }) => kind === 'stage.started').length, 1);
  const third = (await wercker.steps(cwd)).find(({ step }) => step === 'script-2');
  assert.equal(third?.message?.trim(), 'all is well');
  assert.deepEqual(third?.numbers, { tests: '12', warnings: '0' });
  assert.match(out, /all is well/);
});

const namespaceHere = (): string => /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
