import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { virtualClock } from '../lib/virtual-clock.ts';
import { tarOf } from '../runtimes/contract/case.contract.ts';
import type { Artifacts, Plan, Stage, Volume } from '../plan/plan.ts';
import type { Results } from '../results/results.ts';
import { stamped } from '../run/journal.ts';
import { fakeRuntime, fakeWorld } from '../runtimes/fake/fake-runtime.ts';
import type { Item } from '../runtimes/runtime.ts';
import { execute } from './execute.ts';
import { stagesAgain } from './stages-again.ts';
import { after, doing, logOf, runPlan, stageOf } from './testing/fake-run.ts';
import { depsFor, optionsFor, plannedJournal } from './testing/memory-run.ts';

const volume = (name: string, from: Volume['from'] = 'empty'): Volume => ({ name, from });
const planOf = (nodes: readonly Stage[], volumes: readonly Volume[] = []): Plan => ({ version: 1, pipeline: 'p', nodes, volumes });
const writing = (files: Readonly<Record<string, string>>): Readonly<Record<string, string>> => ({ FAKE_WRITE: JSON.stringify(files) });
const working = (name: string): Partial<Stage> => ({ mounts: [{ kind: 'volume', volume: name, path: '/w', access: 'read-write' }] });
const leaving = (files: Readonly<Record<string, string>>, artifacts: Artifacts, more: Partial<Stage> = {}): Stage =>
  doing('make', writing(files), { ...working('make'), artifacts, ...more });
const reading = (path: string, name = 'use', more: Partial<Stage> = {}): Stage =>
  doing(name, { FAKE_PRINT_FILE: path }, { ...after('make'), mounts: [{ kind: 'artifacts', stage: 'make', path: '/in' }], ...more });

const zipped = async (results: Results, name = 'make.zip'): Promise<string> =>
  (await buffer((await results.open('run_1', name)) ?? assert.fail())).toString('latin1');

/** A fake runtime that tells of the items it prepares, and of the trees it is given. */
const watched = () => {
  const clock = virtualClock({ whenIdle: 'run' });
  const world = fakeWorld();
  const runtime = fakeRuntime({ clock, world });
  const prepared: Item[] = [];
  const calls: string[] = [];
  return {
    deps: {
      clock,
      runtime: {
        ...runtime,
        prepare: (...given: Parameters<typeof runtime.prepare>) => {
          prepared.push(given[0]);
          calls.push(`prepare ${given[0].stage.name}`);
          return runtime.prepare(...given);
        },
        write: (...given: Parameters<typeof runtime.write>) => {
          calls.push(`write ${given[0].volume}`);
          return runtime.write(...given);
        },
      },
    },
    world,
    prepared,
    calls,
  };
};

describe('execute, with artifacts', () => {
  it('hands on the directory of a volume when there is one, read-only, and keeps exactly that', async () => {
    const { deps, prepared } = watched();
    const plan = planOf(
      [leaving({ '/w/make/a.txt': 'A', '/w/b.txt': 'B' }, { volume: 'make', directory: 'make' }), reading('/in/a.txt')],
      [volume('make')],
    );
    const { state, results } = await runPlan(plan, {}, deps);
    assert.equal(state.outcome, 'passed');
    assert.equal(await logOf(results, 'use'), 'A');
    const [attempt] = stageOf(state, 'make').attempts;
    assert.deepEqual(attempt?.tree, { volume: 'make', directory: 'make' });
    assert.deepEqual(
      attempt?.artifacts?.files.map((file) => file.path),
      ['a.txt'],
    );
    const mount = prepared.find((item) => item.stage.name === 'use')?.stage.mounts[0];
    assert.deepEqual(mount, { kind: 'volume', volume: 'make', directory: 'make', path: '/in', access: 'read-only' });
  });

  it('begins in a mount that is entered, and in its only directory where there is nothing else (R-DCO-48)', async () => {
    const begins = async (files: readonly string[], artifacts: Partial<Artifacts> = {}): Promise<string | undefined> => {
      const { deps, prepared } = watched();
      const made = Object.fromEntries(files.map((file) => [file, 'x']));
      const entering: Partial<Stage> = { workdir: '/in', mounts: [{ kind: 'artifacts', stage: 'make', path: '/in', enter: true }] };
      const plan = planOf(
        [leaving(made, { volume: 'make', ...artifacts }), doing('use', {}, { ...after('make'), ...entering })],
        [volume('make')],
      );
      assert.equal((await runPlan(plan, {}, deps)).state.outcome, 'passed');
      return prepared.find((item) => item.stage.name === 'use')?.stage.workdir;
    };
    assert.equal(await begins(['/w/clone/a', '/w/clone/deep/b']), '/in/clone');
    assert.equal(await begins(['/w/clone/a', '/w/other']), '/in');
    assert.equal(await begins(['/w/clone/a', '/w/clone-2/a']), '/in');
    assert.equal(await begins(['/w/file']), '/in');
    assert.equal(await begins([]), '/in');
    assert.equal(await begins(['/w/make/clone/a', '/w/more'], { directory: 'make' }), '/in/clone');
    assert.equal(await begins(['/w/clone/a', '/w/out/x'], { except: ['out'] }), '/in/clone');
  });

  it('hands on the whole volume but what is excepted, by a volume that holds nothing else', async () => {
    const { deps, calls } = watched();
    const files = { '/w/a.txt': 'A', '/w/out/login': 'x', '/w/deep/out/kept': 'B' };
    const plan = planOf(
      [
        leaving(files, { volume: 'make', directory: 'make', except: ['out', 'absent'] }),
        reading('/in/deep/out/kept'),
        reading('/in/out/login', 'not'),
      ],
      [volume('make')],
    );
    const { state, results } = await runPlan(plan, {}, deps);
    const [attempt] = stageOf(state, 'make').attempts;
    assert.deepEqual(
      attempt?.artifacts?.files.map((file) => file.path),
      ['a.txt', 'deep/', 'deep/out/', 'deep/out/kept'],
    );
    assert.deepEqual(attempt?.tree, { volume: 'make@1.artifacts' });
    assert.equal(await logOf(results, 'use'), 'B');
    assert.equal(stageOf(state, 'not').outcome, 'failed');
    assert.deepEqual(
      calls.filter((call) => call.startsWith('write')),
      ['write make@1.artifacts'],
    );
  });

  it('copies nothing when there is nothing to leave out, or nobody to see it', async () => {
    const artifacts = { volume: 'make', except: ['out'] };
    const whole = watched();
    await runPlan(planOf([leaving({ '/w/a.txt': 'A' }, artifacts), reading('/in/a.txt')], [volume('make')]), {}, whole.deps);
    const unseen = watched();
    await runPlan(planOf([leaving({ '/w/out/x': 'A' }, artifacts)], [volume('make')]), {}, unseen.deps);
    assert.deepEqual(
      [...whole.calls, ...unseen.calls].filter((call) => call.startsWith('write')),
      [],
    );
  });

  it('keeps them pass or fail, and gives an empty directory where a stage left none', async () => {
    const always = { always: true, needs: [{ node: 'make', on: 'finished' as const }] };
    const failing = leaving({ '/w/state': 'half' }, { volume: 'make' });
    const failed = await runPlan(
      planOf(
        [{ ...failing, env: { ...failing.env, FAKE_EXIT: { kind: 'literal', value: '1' } } }, reading('/in/state', 'undo', always)],
        [volume('make')],
      ),
    );
    assert.equal(await logOf(failed.results, 'undo'), 'half');
    assert.match(await zipped(failed.results), /state/);
    const never = await runPlan(
      planOf(
        [doing('no', { FAKE_EXIT: '1' }), leaving({}, { volume: 'make' }, after('no')), reading('/in/state', 'undo', always)],
        [volume('make')],
      ),
    );
    assert.equal(await logOf(never.results, 'undo'), '/in/state: no such file\n');
  });

  it('prepares nothing ahead that mounts what is not there yet, or runs an image that is not known yet', async () => {
    const { deps, calls } = watched();
    const plan = planOf(
      [
        { ...leaving({ '/w/a.txt': 'A' }, { volume: 'make' }), commit: { names: [] } },
        reading('/in/a.txt'),
        doing('run', {}, { ...after('make'), image: { kind: 'stage', stage: 'make' } }),
        doing('free', {}, after('make')),
      ],
      [volume('make')],
    );
    const journal = plannedJournal(plan);
    const told: string[] = [];
    await execute(
      depsFor(
        {
          ...journal,
          append: async (events) => {
            for (const event of events) if (event.kind === 'stage.finished') told.push(...calls.splice(0), `finished ${event.stage}`);
            await journal.append(events);
          },
        },
        deps.clock,
        deps,
      ),
      optionsFor(),
    );
    assert.deepEqual(
      told.slice(0, told.indexOf('finished make')).filter((call) => call.startsWith('prepare')),
      ['prepare make', 'prepare free'],
    );
  });
});

describe('execute, with volumes', () => {
  const flaky = (exit: string): Stage =>
    doing(
      'make',
      { ...writing({ '/w/mark': 'was here' }), FAKE_PRINT_FILE: '/w/mark', FAKE_EXIT: exit },
      {
        ...working('make'),
        retry: { attempts: 2, on: ['failed'] },
        artifacts: { volume: 'make' },
      },
    );

  it('begins every attempt with an empty volume of its own, seen by who comes after it (R-DCK-58)', async () => {
    const { deps, prepared } = watched();
    const plan = planOf(
      [
        flaky('1,0'),
        reading('/in/mark'),
        doing(
          'look',
          { FAKE_PRINT_FILE: '/w/mark' },
          { ...after('make'), mounts: [{ kind: 'volume', volume: 'make', path: '/w', access: 'read-only' }] },
        ),
      ],
      [volume('make')],
    );
    // FAKE_PRINT_FILE fails where there is no file: both attempts find none.
    const { state, results } = await runPlan(plan, {}, deps);
    assert.deepEqual(
      stageOf(state, 'make').attempts.map(({ outcome, tree }) => [outcome, tree?.volume]),
      [
        ['failed', 'make'],
        ['failed', 'make@2'],
      ],
    );
    assert.equal(await logOf(results, 'make'), '/w/mark: no such file\n');
    assert.ok(prepared.every((item) => item.stage.name === 'make'));
  });

  it('lets later stages see the volume of the attempt that passed, and reruns begin anew', async () => {
    const make = doing(
      'make',
      { ...writing({ '/w/mark': 'was here' }), FAKE_EXIT: '1,0,0' },
      { ...working('make'), retry: { attempts: 2, on: ['failed'] } },
    );
    const look = doing(
      'look',
      { FAKE_PRINT_FILE: '/w/mark' },
      { ...after('make'), mounts: [{ kind: 'volume', volume: 'make', path: '/w', access: 'copy' }] },
    );
    const { deps, prepared } = watched();
    const plan = planOf([make, look], [volume('make')]);
    const journal = plannedJournal(plan);
    const first = await execute(depsFor(journal, deps.clock, deps), optionsFor());
    const volumesOf = (name: string) => [
      ...new Set(
        prepared
          .filter(({ stage }) => stage.name === name)
          .map(({ stage, attempt }) => `${attempt} ${stage.mounts.map((mount) => (mount.kind === 'volume' ? mount.volume : '')).join()}`),
      ),
    ];
    assert.deepEqual([volumesOf('make'), volumesOf('look')], [['1 make', '2 make@2'], ['1 make@2']]);
    await journal.append(
      stamped(
        [{ kind: 'run.rerun', stages: stagesAgain(plan, first.state, 'all'), trigger: { kind: 'manual', by: 'me' } }],
        journal.events.length,
        1,
      ),
    );
    const again = await execute(depsFor({ ...journal, past: [...journal.events] }, deps.clock, deps), optionsFor());
    assert.equal(again.state.outcome, 'passed');
    assert.deepEqual([volumesOf('make').at(-1), volumesOf('look').at(-1)], ['3 make@3', '2 make@3']);
  });

  it('fills a volume before an image is built from it, of a service too, and builds none ahead of that', async () => {
    const { deps, calls } = watched();
    const build = { kind: 'build', volume: 'source', context: '.', dockerfile: 'Dockerfile' } as const;
    const service = {
      name: 'db',
      image: build,
      command: { kind: 'image' },
      env: {},
      ports: [],
      privileged: false,
      ready: { kind: 'running', timeoutMs: 1 },
    } as const;
    const plan = planOf(
      [
        doing('first'),
        doing('second', {}, { ...after('first'), services: [service] }),
        doing('third', {}, { ...after('second'), image: build }),
      ],
      [volume('source', 'source')],
    );
    const source = () => tarOf({ name: 'Dockerfile', content: 'FROM busybox\n' });
    const { state } = await runPlan(plan, {}, { ...deps, source });
    assert.equal(state.outcome, 'passed');
    assert.deepEqual([...new Set(calls)], ['prepare first', 'write source', 'prepare second', 'prepare third']);
  });
});

describe('execute, with images of earlier stages', () => {
  const printing = (stdout: string): Stage => doing('make', { FAKE_STDOUT: stdout });
  const run = doing('run', {}, { ...after('make'), image: { kind: 'output', stage: 'make' } });

  it('runs what an earlier stage committed, as a stage and as a service, and records it', async () => {
    const { deps, prepared } = watched();
    const image = { kind: 'stage', stage: 'make' } as const;
    const service = {
      name: 'db',
      image,
      command: { kind: 'image' },
      env: {},
      ports: [],
      privileged: false,
      ready: { kind: 'running', timeoutMs: 1 },
    } as const;
    const plan = planOf([
      doing('make', {}, { commit: { names: ['app:1', 'app:latest'] } }),
      doing('run', {}, { ...after('make'), image, services: [service] }),
    ]);
    const { state } = await runPlan(plan, {}, deps);
    assert.equal(stageOf(state, 'make').attempts[0]?.committed?.reference, 'app:1');
    const item = prepared.find(({ stage }) => stage.name === 'run');
    assert.deepEqual(
      [item?.stage.image, item?.stage.services[0]?.image],
      [
        { kind: 'reference', reference: 'app:1' },
        { kind: 'reference', reference: 'app:1' },
      ],
    );
  });

  it('errors a stage whose image cannot be committed, and commits none of one that failed', async () => {
    const committing = (env: Readonly<Record<string, string>>) => runPlan(planOf([doing('make', env, { commit: { names: [] } })]));
    const errored = await committing({ FAKE_COMMIT_ERROR: 'NO_SPACE' });
    const cause = stageOf(errored.state, 'make').attempts[0]?.cause;
    assert.deepEqual([errored.state.outcome, cause?.kind === 'error' && cause.code], ['errored', 'NO_SPACE']);
    const failed = await committing({ FAKE_EXIT: '1', FAKE_COMMIT_ERROR: 'NO_SPACE' });
    assert.equal(failed.state.outcome, 'failed');
  });

  it('runs the image whose name an earlier stage printed', async () => {
    const { deps, prepared } = watched();
    await runPlan(planOf([printing('\n registry.example.com/app:2 \n'), run]), {}, deps);
    assert.deepEqual(prepared.find(({ stage }) => stage.name === 'run')?.stage.image, {
      kind: 'reference',
      reference: 'registry.example.com/app:2',
    });
  });

  it('errors when what was printed is no image’s name, naming the stage that printed it', async () => {
    for (const [stdout, message] of [
      ['', /"make" .* printed nothing/],
      ['a:1\nb:2\n', /"make" .* printed 2 lines/],
      ['built Well', /"make" .* printed something else/],
    ] as const) {
      const { state } = await runPlan(planOf([printing(stdout), run]));
      const cause = stageOf(state, 'run').attempts[0]?.cause;
      assert.ok(cause?.kind === 'error');
      assert.equal(cause.code, 'IMAGE_NAME_INVALID');
      assert.match(cause.message, message);
    }
  });
});
