import assert from 'node:assert/strict';
import { globSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { buildProgram } from '../src/cli/program.ts';
import { isPrintingName } from '../src/plan/printing.ts';
import type { RunEvent } from '../src/run/run-event.ts';
import { randomFrom } from './random.ts';
import { type Files, git } from './repository.ts';
import { type GitProject, type ServerProcess, startServer } from './server-process.ts';
import { werckerFor } from './wercker-project.ts';

const seed = Number(process.env['CION_SAME_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(process.env['CION_SAME_CASES'] ?? 60);

/** Those of the dialects' cases that have a plan and wait for nobody. */
const fromCases = (dialect: string, file: string): readonly Files[] =>
  globSync(`src/dialects/${dialect}/cases/*.plan.json`)
    .sort()
    .filter((plan) => !readFileSync(plan, 'utf8').includes('"kind": "gate"'))
    .map((plan) => ({ [file]: readFileSync(plan.replace(/\.plan\.json$/, '.yml'), 'utf8'), case: basename(plan) }));

/** Stages that write, hand on, fail and are skipped. */
const made = (random: () => number): Files => {
  const names = ['a', 'b', 'c', 'd', 'e'].slice(0, 1 + Math.floor(random() * 5));
  const stages = names.map((name, i) => {
    const needs = names.slice(0, i).filter(() => random() < 0.5);
    const [one] = needs;
    const env = {
      FAKE_STDOUT: `${name} ${Math.floor(random() * 1e9)}\n`,
      FAKE_STDERR: `${name} aside\n`,
      FAKE_WRITE: JSON.stringify({ [`/cion/artifacts/${name}`]: `file ${random()}` }),
      ...(random() < 0.15 ? { FAKE_EXIT: '1' } : {}),
      ...(random() < 0.5 ? { FAKE_PRINT_ENV: '1' } : {}),
      ...(one !== undefined && random() < 0.5 ? { TAKEN: { output: one } } : {}),
      ...(one !== undefined && random() < 0.5 ? { FAKE_PRINT_FILE: `/cion/inputs/${one}/${one}` } : {}),
    };
    return [name, { image: 'any', needs, env, ...(random() < 0.1 ? { 'may-fail': true } : {}) }] as const;
  });
  return { '.cion.yml': JSON.stringify({ stages: Object.fromEntries(stages) }), case: 'made' };
};

const prints = (text: string): string => `fake.print/${Buffer.from(text).toString('hex')}`;

/** What images print is a part of their configuration, two images deep; of some nothing can be made. Their names are short, so the text is. */
const printed = (random: () => number): Files => {
  const low = random() < 0.5 ? 'low: {img: any}\n' : 'low: {img: any, run: x}\n';
  const middle = prints(`meta: {subgraphs: ${prints(low)}}\nmid: {img: any, after: low}\n`);
  const others = ['other: { img: any }\n', '# nothing\n', ': [', 'mid: { img: any, after: nowhere }\n', 'a: { img: any }\n'];
  const other = prints(others[Math.floor(random() * random() * others.length)] ?? '');
  return {
    'a.dockercise.yaml': `meta: { name: printed, subgraphs: ["${middle}", "${other}"] }\na: { img: any, after: mid, env: { FAKE_STDOUT: a } }\n`,
    'b/b.dockercise.yaml': `b: { img: any, after: a, env: { IT: "{a}", FAKE_PRINT_ENV: "1" } }\n`,
    case: 'printed',
  };
};

type Seen = {
  readonly outcome: string | undefined;
  readonly digest: string | undefined;
  readonly codes: readonly string[];
  readonly stages: Readonly<Record<string, unknown>>;
  readonly steps: readonly unknown[];
};

/** What is so of a run is looked at and not printed: that is not the same. */
const wercker = `box: { id: busybox, env: { OF: "$BUILD_ID of $WERCKER_GIT_COMMIT" } }
services: [{ id: busybox, name: clock, cmd: sleep 60, env: { AT: "run-$WERCKER_RUN_ID" } }]
build:
  steps:
    - script:
        name: look
        code: |
          test -n "$WERCKER_RUN_ID" && test -n "$WERCKER_STARTED_BY" && test -n "$WERCKER_BUILD_URL"
          test "$CLOCK_ENV_AT" = "run-$WERCKER_RUN_ID"
          test "$OF" = "$WERCKER_RUN_ID of $WERCKER_GIT_COMMIT"
          ls "$BUILD_DIR/source"
    - script: { name: make, mode: fast, code: 'echo "$WERCKER_SCRIPT_MODE"; tr a-z A-Z <text >"$WERCKER_OUTPUT_DIR/made"' }
  after-steps: [{ script: { name: told, code: 'echo "$WERCKER_RESULT" >&2' } }]
test:
  services: []
  steps: [{ script: { name: fails, code: 'echo so far; exit 3' } }, { script: { name: never, code: echo } }]
deploy:
  services: []
  steps: []
  staging: [{ script: { name: ship, code: 'echo "$WERCKER_DEPLOYTARGET_NAME"; test "$WERCKER_DEPLOY_ID" = "$WERCKER_RUN_ID"' } }]
`;

const seenOf = (events: readonly RunEvent[]): Seen => ({
  outcome: events.findLast((event) => event.kind === 'run.finished')?.outcome,
  digest: events.find((event) => event.kind === 'run.planned')?.digest,
  codes: events.flatMap((event) => (event.kind === 'fetch.failed' ? event.problems.map(({ code }) => code) : [])),
  stages: Object.fromEntries(
    events
      .flatMap((event): readonly (readonly [string, unknown])[] => {
        if (event.kind === 'stage.skipped') return [[event.stage, event.cause] as const];
        if (event.kind !== 'stage.finished' || isPrintingName(event.stage)) return [];
        const { stage, attempt, outcome, cause, output, artifacts } = event;
        // How git keeps a clone is not the commit's.
        const files = artifacts?.files.filter(({ path }) => !path.startsWith('.git/'));
        return [[`${stage}/${attempt}`, { outcome, cause, output, files }] as const];
      })
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  ),
  steps: events.flatMap((event) => (event.kind === 'step.finished' ? [[event.step, event.outcome, event.exitCode]] : [])),
});

const eventsIn = (lines: string): readonly RunEvent[] =>
  lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RunEvent);

describe(`the same commit on a laptop and on a server (seed ${seed})`, { timeout: 380_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startServer({ args: ['--runtime', 'fake', '--slots', '16'] });
  });
  after(() => server.close());

  /** `cion run`, in this process. A server goes on with all that does not need what failed. */
  const onLaptop = async (cwd: string): Promise<readonly RunEvent[]> => {
    const [out, err]: string[][] = [[], []];
    const into = (texts: string[] = []): NodeJS.WriteStream =>
      new Writable({
        write: (bytes: Buffer, _encoding, done) => {
          texts.push(bytes.toString());
          done();
        },
      }) as unknown as NodeJS.WriteStream;
    const program = buildProgram({
      cwd,
      env: { PATH: process.env['PATH'], CION_STATE_HOME: join(server.cwd, 'laptop') },
      stdin: Readable.from([]) as unknown as NodeJS.ReadStream,
      stdout: into(out),
      stderr: into(err),
      finish: () => undefined,
    });
    await program.parseAsync(['run', '--runtime', 'fake', '--keep-going', '--json'], { from: 'user' });
    const events = eventsIn((out ?? []).join(''));
    assert.ok(events.length > 0, (err ?? []).join(''));
    return events;
  };

  const onServer = async (project: GitProject, branch: string): Promise<readonly RunEvent[]> => {
    const { number } = await server.client.begin(project.name, { branch });
    await server.ended(project.name, number);
    return server.client.events(project.name, number);
  };

  it(`has the same plan digest, outcomes, output digests and files in ${count} cases`, async () => {
    const random = randomFrom(seed);
    const cases = [...fromCases('cion', '.cion.yml'), ...fromCases('dockercise', 'a.dockercise.yaml')];
    for (let i = 0; i < 12; i++) cases.push(printed(random));
    while (cases.length < count) cases.push(made(random));
    const project = await server.project('acme/same', {});
    rmSync(join(project.bare, 'hooks'), { recursive: true });
    const { work } = project;
    const laptop: Seen[] = [];
    const differing: string[] = [];
    const compared = async (i: number, there: Seen, about: string): Promise<void> => {
      const seen = seenOf(await onServer(project, `case-${i}`));
      try {
        // What ends by an error cancels what runs beside it: which that hits is a matter of time.
        if (there.outcome === 'errored') assert.deepEqual([seen.outcome, seen.digest], [there.outcome, there.digest]);
        else assert.deepEqual(seen, there);
      } catch (error) {
        differing.push(`case ${i} ${about}\n${String(error)}`);
      }
    };
    const underWay: Promise<void>[] = [];
    for (const [i, files] of cases.entries()) {
      git(work, 'checkout', '--quiet', '-B', `case-${i}`, 'main');
      project.commit(files);
      await project.push(`case-${i}`);
      const there = seenOf(await onLaptop(work));
      laptop.push(there);
      underWay.push(compared(i, there, Object.values(files).join('\n')));
    }
    await Promise.all(underWay);
    assert.deepEqual(differing, []);
    assert.ok(laptop.some(({ digest }, i) => digest !== undefined && cases[i]?.['case'] === 'printed'));
    const planned = (is: (what: string) => boolean): readonly boolean[] =>
      laptop.filter((_, i) => is(String(cases[i]?.['case']))).map(({ digest }) => digest !== undefined);
    assert.ok(planned((what) => what === 'made').every(Boolean));
    // Some want variables that are not here.
    assert.ok(planned((what) => what.endsWith('.plan.json')).filter(Boolean).length > 20);
    assert.ok(laptop.some(({ outcome }) => outcome === 'failed') && laptop.some(({ outcome }) => outcome === 'passed'));
  });
});

describe('a commit with a wercker.yml on a laptop and on a server', { timeout: 120_000 }, () => {
  const undone: (() => Promise<void>)[] = [];
  const laptop = werckerFor('same', { after: (undo: () => Promise<void>) => void undone.push(undo) });
  let server: ServerProcess;
  before(async () => {
    server = await startServer();
  });
  after(async () => {
    for (const undo of undone) await undo();
    await server.close();
  });

  it('has the same plan digest, outcome, steps, output digest and files for each of its pipelines, also when it is run again', async () => {
    const project = await server.project('acme/wercker', {});
    rmSync(join(project.bare, 'hooks'), { recursive: true });
    project.commit({ 'wercker.yml': wercker, text: 'some text\n' });
    await project.push('main');
    const asked = [
      { args: ['build'], there: {}, outcome: 'passed' },
      { args: ['run', '--pipeline', 'test'], there: { pipeline: 'test' }, outcome: 'failed' },
      {
        args: ['run', '--pipeline', 'deploy', '--target', 'staging'],
        there: { pipeline: 'deploy', target: 'staging' },
        outcome: 'passed',
      },
      { args: ['run'], there: {}, outcome: 'passed' },
    ];
    const both = await Promise.all(
      asked.map(async ({ args, there }) => {
        const [ended, { number }] = await Promise.all([
          laptop.run(project.work, [...args, '--json']),
          server.client.begin(project.name, { branch: 'main', ...there }),
        ]);
        await server.ended(project.name, number);
        return [seenOf(eventsIn(ended.out)), seenOf(await server.client.events(project.name, number))];
      }),
    );
    for (const [here, there] of both) assert.deepEqual(there, here);
    assert.deepEqual(both[0], both[3]);
    assert.deepEqual(
      both.map(([here]) => [here?.outcome, here?.digest?.startsWith('sha256:')]),
      asked.map(({ outcome }) => [outcome, true]),
      JSON.stringify(both),
    );
  });
});
