import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { noTerminal, startTerminal } from '../src/cli/printers/testing/terminal.ts';
import { newRunId } from '../src/lib/ids.ts';
import { openJournal } from '../src/local/journal.ts';
import { takeRunNumber } from '../src/local/run-numbers.ts';
import type { Plan, Step } from '../src/plan/plan.ts';
import { reference, stage } from '../src/plan/stage.ts';
import type { RunFact } from '../src/run/run-event.ts';
import { cion as anyCion, startCion } from './cli.ts';
import { archiveOf, buildImage, inspect } from './engine.ts';
import { directory, repository } from './repository.ts';

const launcher = fileURLToPath(new URL('../bin/cion', import.meta.url));
const namespace = `e2e-shell-${process.pid}`;
const env = { CION_NAMESPACE: namespace };
const cion = (cwd: string, args: readonly string[], input?: string) =>
  anyCion(args, { cwd, env, ...(input === undefined ? {} : { input }) });
after(async () => void (await cion(tmpdir(), ['clean', '--all-projects'])));

const step = (id: string, name: string): Step => ({ id, name, variables: [], timeouts: {}, action: { kind: 'script', script: ':' } });
const literal = (value: string) => ({ kind: 'literal', value }) as const;

/** A run whose one stage failed in its second step, with the image that was kept after each, as a run with `--commit-steps` leaves it. */
const failedRun = async (t: TestContext): Promise<string> => {
  const cwd = repository(t, { 'README.md': 'x' });
  const imageWith = async (file: string): Promise<string> => {
    const folder = directory(t, { Dockerfile: `FROM busybox:latest\nRUN mkdir -p /pipeline/source && touch /pipeline/source/${file}\n` });
    const name = await buildImage(t, `${namespace}-${file}`, archiveOf(folder));
    return (await inspect<{ readonly Id: string }>(`/images/${name}/json`)).Id;
  };
  const [one, two] = [await imageWith('one'), await imageWith('two')];
  const build = stage({
    name: 'build',
    image: reference('busybox:latest'),
    workdir: '/pipeline/source',
    user: '1000',
    env: { SECRET: { kind: 'secret', name: 'SECRET' }, GIVEN: { kind: 'outside', name: 'GIVEN' } },
    command: {
      kind: 'steps',
      variables: [
        { name: 'ROOT', value: literal("/pi'pe $(id)") },
        { name: 'OF_RUN', value: { kind: 'run', parts: ['of ', { is: 'id' }] } },
        { name: 'BELOW', value: { kind: 'expanded', text: '${ROOT}/x' } },
        { name: 'HIDDEN', value: { kind: 'expanded', text: 'a $SECRET' } },
      ],
      steps: [step('install-1', 'install'), step('test-2', 'test')],
      after: [],
    },
  });
  const plan: Plan = { version: 1, pipeline: 'wercker', nodes: [build], volumes: [] };
  const run = newRunId(Date.now());
  const number = await takeRunNumber(join(cwd, '.cion'), run);
  const attempt = { stage: 'build', attempt: 1 } as const;
  const facts: readonly RunFact[] = [
    { kind: 'run.created', run, number, project: 'p', trigger: { kind: 'manual', by: 'ada' } },
    { kind: 'fetch.started' },
    { kind: 'fetch.finished', source: { changedFiles: 0, files: 1, bytes: 1 } },
    { kind: 'run.planned', plan, digest: 'd', circumstances: { id: run } },
    { kind: 'stage.queued', ...attempt },
    { kind: 'stage.preparing', ...attempt },
    { kind: 'stage.started', ...attempt, container: `${namespace}-gone` },
    { kind: 'step.finished', ...attempt, step: 'install-1', outcome: 'passed', exitCode: 0, image: { reference: 'one', digest: one } },
    { kind: 'step.finished', ...attempt, step: 'test-2', outcome: 'failed', exitCode: 1, image: { reference: 'two', digest: two } },
    { kind: 'stage.finished', ...attempt, outcome: 'failed', cause: { kind: 'exit', code: 1 } },
    { kind: 'run.finished', outcome: 'failed' },
  ];
  const journal = await openJournal(join(cwd, '.cion'), run);
  await journal.append(facts.map((fact, index) => ({ seq: index + 1, at: Date.now(), ...fact })));
  await journal.close();
  return cwd;
};

test('the state after each step of a failed run is looked at, and two steps are compared (R-WRK-163)', async (t) => {
  const cwd = await failedRun(t);
  const files = async (place: string) => (await cion(cwd, ['shell', place, '--', 'ls'])).out;
  assert.equal(await files('1/build@install-1'), 'one\n');
  assert.equal(await files('1@test'), 'two\n');
  assert.equal(await files('last'), 'two\n');

  const looked = await cion(cwd, ['shell', '1', '--', 'sh', '-c', 'pwd; id -u; env; cat; echo "$1" >&2; exit 7', 'sh', 'a "b"'], 'typed');
  assert.equal(looked.code, 7, looked.err);
  assert.match(looked.out, /^\/pipeline\/source\n1000\n/);
  assert.match(looked.out, /^ROOT=\/pi'pe \$\(id\)$/m);
  assert.match(looked.out, /^OF_RUN=of run_\w+$/m);
  assert.match(looked.out, /^BELOW=\/pi'pe \$\(id\)\/x$/m);
  assert.doesNotMatch(looked.out, /HIDDEN|SECRET|GIVEN/);
  assert.match(looked.out, /typed$/);
  assert.equal(looked.err, 'a "b"\n');

  const refused = async (place: string): Promise<string> => {
    const { code, err } = await cion(cwd, ['shell', place, '--', 'ls']);
    assert.equal(code, 2);
    return err;
  };
  assert.match(await refused('1/build@instal-1'), /\[STEP_NOT_BEGUN\]\n.*install-1/);
  assert.match(await refused('1/biuld'), /\[STAGE_UNKNOWN\]/);
  assert.match(await refused('9'), /\[RUN_UNKNOWN\]/);
  assert.deepEqual((await cion(cwd, ['complete', '--', 'shell', '1/'])).out.split('\t')[0]?.trim(), '1/build');
});

test('a shell on a terminal is one: it is typed into, knows its size, and ends with its own exit code', {
  skip: noTerminal() ?? false,
}, async (t) => {
  const cwd = await failedRun(t);
  const command = '"$LAUNCHER" shell 1/build@install-1; echo "ended with $?"';
  const terminal = startTerminal(command, { columns: 83, rows: 21, cwd, env: { ...env, LAUNCHER: launcher } });
  t.after(() => terminal.end());
  await terminal.shows(/source \$/);
  terminal.type('tty >/dev/null && stty size && ls\r');
  await terminal.shows(/21 83\s+one/);
  terminal.type('sh -c "echo be-gins; sleep 600"\r');
  await terminal.shows(/^be-gins/m);
  terminal.type('\x03');
  await terminal.shows(/\^C\s+\/pipeline\/source \$/);
  terminal.type('exit 9\r');
  await terminal.shows(/ended with 9/);
  await terminal.ended;
});

test('a shell opens in the container of a stage while that runs; when it is gone and nothing was kept, that is said', async (t) => {
  const script = 'echo here > /tmp-mark; echo ready; until [ -e /go ]; do sleep 0.05; done';
  const cwd = repository(t, { '.cion.yml': JSON.stringify({ build: { image: 'busybox:latest', cmd: script, env: { MODE: 'live' } } }) });
  const running = startCion(['run', '--plain'], { cwd, env });
  await running.wrote('ready');
  const inside = await cion(cwd, ['shell', 'last', '--', 'sh', '-c', 'cat /tmp-mark; echo $MODE; touch /go']);
  assert.deepEqual([inside.code, inside.out], [0, 'here\nlive\n'], inside.err);
  assert.equal((await running.ended).code, 0);
  const gone = await cion(cwd, ['shell', 'last']);
  assert.equal(gone.code, 2);
  assert.match(gone.err, /no image was kept of it\. \[NO_STATE\]\n.*--commit-steps/);
});
