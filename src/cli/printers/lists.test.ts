import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { artifacts } from './artifacts.ts';
import { palette } from './colour.ts';
import { type DeploymentRow, deployments } from './deployments.ts';
import { type Check, doctor } from './doctor.ts';
import { width } from './fit.ts';
import { problemLines } from '../../plan/problem-text.ts';
import { problemInColour } from './problems.ts';
import { type RunListRow, runList } from './run-list.ts';
import { runShow } from './run-show.ts';
import { golden, noon, plainLook } from './testing/golden.ts';
import { shopRun } from './testing/shop-run.ts';
import { commitHash, digest, tellStory } from './testing/story.ts';

const source = { commit: commitHash, branch: 'main', subject: 'Sell shoes too', changedFiles: 0, files: 214, bytes: 1_200_000 };
const runs: readonly RunListRow[] = [
  { number: 12, phase: 'running', createdAt: noon - 4_000, pipeline: 'cion', source: { ...source, changedFiles: 2 } },
  { number: 11, phase: 'running', createdAt: noon - 600_000, pipeline: 'cion', source, isLeft: true },
  { number: 10, phase: 'finished', outcome: 'passed', createdAt: noon - 7_200_000, finishedAt: noon - 7_136_000, pipeline: 'cion', source },
  {
    number: 9,
    phase: 'finished',
    outcome: 'failed',
    createdAt: noon - 86_400_000,
    finishedAt: noon - 86_390_000,
    pipeline: 'cion',
    source: {
      ...source,
      branch: 'feature/a-branch-with-a-very-long-name\x1b[2J',
      subject: 'Try \x1b]0;evil\x07 日本語 and everything else that fits no line at all',
    },
  },
  {
    number: 8,
    phase: 'finished',
    outcome: 'errored',
    pipeline: 'cion',
    createdAt: noon - 8 * 86_400_000,
    finishedAt: noon - 8 * 86_400_000 + 50,
  },
  {
    number: 7,
    pipeline: 'cion',
    phase: 'finished',
    outcome: 'cancelled',
    createdAt: noon - 9 * 86_400_000,
    finishedAt: noon - 9 * 86_400_000 + 50,
    source: { changedFiles: 0, files: 3, bytes: 9 },
  },
];

test('a run of a tag is listed with its tag, and a commit of very many words is shown with some', () => {
  const [tagged] = runList([{ number: 1, phase: 'queued', createdAt: noon, tag: 'v1.2' }], noon, plainLook()).slice(1);
  assert.match(tagged ?? '', / tag v1\.2 /);
  const run = tellStory(virtualClock({ startAt: noon }));
  run.created();
  run.tell({ kind: 'fetch.started' }, { kind: 'fetch.finished', source: { ...source, subject: 'x'.repeat(1500) } });
  const shown = runShow(run.state(), noon, plainLook(300)).join('');
  assert.ok(shown.includes('xxx...') && shown.split('x').length < 202);
});

test('runs as a table', (t) =>
  golden(t, 'run-list', [
    ...runList(runs, noon, plainLook(120)),
    '',
    ...runList(runs, noon, plainLook(80)),
    '',
    ...runList([], noon, plainLook()),
    '',
    ...runList([...runs.slice(2, 3), { number: 1, phase: 'queued', createdAt: noon, pipeline: 'infra' }], noon, plainLook()),
  ]));

for (const ends of ['well', 'badly'] as const) {
  test(`a run that ended ${ends}, with all there is to say`, async (t) => {
    const clock = virtualClock({ startAt: noon });
    const run = await shopRun(clock, undefined, ends);
    golden(t, `run-show-${ends}`, [
      ...runShow(run.state(), clock.now() + 180_000, plainLook(130)),
      '',
      ...runShow(run.state(), clock.now(), plainLook(80, 'ascii')),
    ]);
  });
}

test('a run under way', async (t) => {
  const clock = virtualClock({ startAt: noon });
  const pictures: string[] = [];
  const run = tellStory(clock);
  run.created();
  pictures.push(...runShow(run.state(), clock.now(), plainLook()), '', '');
  run.tell({ kind: 'fetch.started' }, { kind: 'fetch.failed', outcome: 'failed', message: 'there is no branch "gone"', problems: [] });
  run.ended('failed');
  pictures.push(...runShow(run.state(), clock.now(), plainLook()));
  golden(t, 'run-show-fetch', pictures);
});

const deployed: DeploymentRow = {
  environment: 'production',
  commit: commitHash,
  changedFiles: 0,
  image: { reference: 'registry.example/team/shop:1.2', digest: digest('d') },
  at: noon - 180_000,
  stage: 'release',
  number: 12,
};

test('what was deployed where', (t) => {
  const rows = [deployed, { ...deployed, environment: 'staging', changedFiles: 2, number: 11, at: noon - 7_200_000 }];
  golden(t, 'deployments', [
    ...deployments(rows, noon, plainLook(130)),
    '',
    ...deployments(rows, noon, plainLook(90)),
    '',
    ...deployments([], noon, plainLook()),
    ...deployments([], noon, plainLook(), 'moon'),
  ]);
});

const file = (path: string, bytes: number, more: object = {}) => ({ path, bytes, mode: 0o644, digest: digest('a'), ...more });
const left = {
  stage: 'build',
  artifacts: {
    key: 'build.zip',
    bytes: 4_200_000,
    files: [
      file('report.xml', 12_345),
      file('bin/', 0),
      file('bin/shop', 9_800_000, { mode: 0o755 }),
      file('bin/latest', 0, { target: 'shop' }),
      file('docs/en/index.html', 999),
      file('docs/日本語.html', 12),
      file('evil\x1b[2J\nname', 1),
      file('empty/', 0),
    ],
  },
};

test('artifacts as a tree with sizes', (t) =>
  golden(t, 'artifacts', [
    ...artifacts([left, { ...left, stage: 'test' }], plainLook()),
    '',
    ...artifacts([left], plainLook(80, 'ascii')),
    '',
    ...artifacts([], plainLook()),
  ]));

const checks: readonly Check[] = [
  { name: 'Node', verdict: 'good', found: '24.21.0' },
  {
    name: 'Docker Engine',
    verdict: 'bad',
    found: 'no answer at /var/run/docker.sock',
    advice: 'Start Docker, or let DOCKER_HOST name an engine that runs. Without one: cion run --runtime fake.',
  },
  { name: 'Disk', verdict: 'warning', found: '900 MB free', advice: 'Make room: "cion clean" removes what dead runs left.' },
];

test('what a doctor finds, with what to do', (t) =>
  golden(t, 'doctor', [
    ...doctor(checks, plainLook(60)),
    '',
    ...doctor(checks.slice(0, 1), plainLook()),
    '',
    ...doctor([...checks.slice(0, 1), ...checks.slice(2)], plainLook()),
  ]));

test('lists fit the width they are given, as long as their narrowest columns do', () => {
  for (const columns of [80, 100, 200]) {
    const lines = [...runList(runs, noon, plainLook(columns)), ...doctor(checks, plainLook(columns))];
    for (const line of lines) assert.ok(width(line) <= columns, `${columns}: ${line}`);
  }
});

test('a problem has the colours of its parts, and without colours the text as it is', () => {
  const range = { file: '.cion.yml', start: { line: 2, column: 1 }, end: { line: 2, column: 6 } };
  const problem = { code: 'STAGE_NO_IMAGE', message: 'the stage has no image', hint: 'add image', range };
  const source = '# shop\nbuild:\n  - cmd: make\n';
  const coloured = problemInColour(problem, source, { ...plainLook(), palette: palette(true) }, 'problem');
  assert.equal(coloured[0], '\x1b[1m.cion.yml:2:1: STAGE_NO_IMAGE\x1b[22m');
  assert.equal(coloured[1], '\x1b[31mthe stage has no image\x1b[39m');
  assert.ok(coloured.includes('\x1b[31m    | ^^^^^\x1b[39m'));
  assert.ok(coloured.includes('\x1b[36mhint: add image\x1b[39m'));
  const plain = problemInColour(problem, source, plainLook(), 'problem');
  assert.deepEqual(
    plain,
    problemLines(problem, source).map(({ text }) => text),
  );
});

test('a warning says that it is one, and has a colour of its own', () => {
  const range = { file: 'wercker.yml', start: { line: 1, column: 1 }, end: { line: 1, column: 4 } };
  const warning = { code: 'OPTION_UNKNOWN', message: 'it has no such option', range };
  const plain = problemInColour(warning, 'box: a\n', plainLook(), 'warning');
  assert.equal(plain[0], 'wercker.yml:1:1: warning: OPTION_UNKNOWN');
  assert.equal(problemInColour(warning, 'box: a\n', plainLook(), 'problem')[0], 'wercker.yml:1:1: OPTION_UNKNOWN');
  const coloured = problemInColour(warning, 'box: a\n', { ...plainLook(), palette: palette(true) }, 'warning');
  assert.equal(coloured[0], '\x1b[1m\x1b[33mwercker.yml:1:1: warning: OPTION_UNKNOWN\x1b[39m\x1b[22m');
  assert.equal(coloured[1], '\x1b[33mit has no such option\x1b[39m');
  assert.ok(!coloured.join('').includes('\x1b[31m'));
});
