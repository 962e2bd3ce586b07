import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { PassThrough } from 'node:stream';
import { plan, type PlanOptions } from '../../cli/commands/plan.ts';
import { refused } from '../../plan/problem.ts';
import type { Plan } from '../../plan/plan.ts';
import { stagesOf, valuesOf } from '../../plan/stage.ts';
import { StoreError } from '../../store/store-error.ts';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { memoryResults } from '../../results/memory/memory-results.ts';
import { ResultsError } from '../../results/results-error.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Trigger } from '../../run/run-event.ts';
import type { RunRequest } from './begin-run.ts';
import type { BeginRunDeps } from './make-begin-run.ts';
import { beginning, git } from './testing/beginning.ts';

const by = 'ada';
const main = 'refs/heads/main';
const push: Trigger = { kind: 'push', by, ref: main };
const build = 'build: { image: busybox, run: make }\n';

describe('a run of a server', () => {
  const run = async (server: ReturnType<typeof beginning>, request: Partial<RunRequest> = {}): Promise<RunState> => {
    const begun = await server.beginRun({ project: 'acme/app', trigger: push, ...request });
    assert.equal(begun.kind, 'created');
    return server.settled(begun.run);
  };
  const started = (t: TestContext, more?: Parameters<typeof beginning>[1]) => {
    const server = beginning(t, more);
    server.start();
    return server;
  };
  const noted = (server: ReturnType<typeof beginning>, id: string, what: RegExp): Promise<void> =>
    new Promise((resolve) => {
      const stop = server.dispatcher.watch(id, (events) => {
        if (!events.some((event) => event.kind === 'run.noted' && what.test(event.text))) return;
        stop();
        resolve();
      });
    });
  const namesOf = ({ plan }: RunState): readonly string[] => (plan?.nodes ?? []).map(({ name }) => name);

  it('is about the commit that it was begun for, also when the branch has moved since; a worker can have its files (R-CIO-07)', async (t) => {
    const server = started(t);
    const first = server.commit({ '.cion.yml': build, 'a.txt': 'first' });
    server.commit({ 'a.txt': 'second' });
    const state = await run(server, { commit: first, ref: main });
    const { commit, branch, files, changedFiles } = state.fetch.source ?? {};
    assert.deepEqual({ commit, branch, files, changedFiles }, { commit: first, branch: 'main', files: 2, changedFiles: 0 });
    const into = join(server.root, 'out');
    execFileSync('mkdir', [into]);
    execFileSync('tar', ['-x', '-C', into], { input: await buffer(await server.trees.open(state.sourceTree ?? '')) });
    assert.equal(readFileSync(join(into, 'a.txt'), 'utf8'), 'first');
    assert.equal(git(into, 'rev-parse', 'HEAD'), first);
  });

  it('shows no secret of its project that stands in the subject of its commit: not in its events, and not in the log of fetch', async (t) => {
    const server = started(t);
    await server.projectSecrets.put({ project: 'acme/app', name: 'TOKEN', kind: 'secret', value: 's3cr3t-value', by, scope: everywhere });
    server.commit({ '.cion.yml': build }, 'Log in with s3cr3t-value');
    const state = await run(server);
    assert.equal(state.fetch.source?.subject, 'Log in with ************');
    const kept = await server.results.open(state.run, 'fetch.log');
    const log = kept === undefined ? '' : await text(kept);
    assert.match(log, /Log in with \*{12}/);
    assert.doesNotMatch(log, /s3cr3t/);
  });

  it('has the configuration of its own branch (R-CIO-08)', async (t) => {
    const server = started(t);
    server.commit({ '.cion.yml': build });
    git(server.repository, 'checkout', '-q', '-b', 'feature');
    server.commit({ '.cion.yml': `${build}test: { image: busybox, run: check }\n` });
    git(server.repository, 'checkout', '-q', 'main');
    const [one, other] = await Promise.all([run(server, { ref: main }), run(server, { ref: 'refs/heads/feature' })]);
    assert.deepEqual(namesOf(one), ['build']);
    assert.deepEqual(namesOf(other), ['build', 'test']);
    assert.equal(other.fetch.source?.branch, 'feature');
  });

  it('has all *.dockercise.yaml files of its commit, wherever they are, merged into one graph (R-DCO-08, R-DCO-09, R-DCO-10)', async (t) => {
    const server = started(t);
    server.commit({
      'top.dockercise.yaml': 'one: { img: busybox, run: echo one }\n',
      'a/deep.dockercise.yaml': 'two: { img: busybox, run: echo two, after: one }\n',
      'a/b/c/deepest.dockercise.yaml': 'three: { img: busybox, run: echo three, after: [two, one] }\n',
    });
    const state = await run(server);
    const edges = (state.plan?.nodes ?? []).map(({ name, needs }) => [name, needs.map(({ node }) => node).toSorted()]);
    assert.deepEqual(Object.fromEntries(edges), { one: [], two: ['one'], three: ['one', 'two'] });
  });

  it('waits where its files cannot be kept for an hour, says why, and has its plan then; its time goes on only afterwards (atk-75)', async (t) => {
    const clock = virtualClock({ startAt: 1_000_000 });
    const away = { is: true, asked: 0 };
    const reach = <T>(work: () => Promise<T>): Promise<T> => {
      away.asked++;
      return away.is ? Promise.reject(new ResultsError('RESULTS_UNREACHABLE', 's3://bucket/ does not answer: 503')) : work();
    };
    const kept = memoryResults();
    const server: ReturnType<typeof beginning> = started(t, {
      clock,
      results: {
        ...kept,
        begin: (...given) => reach(() => kept.begin(...given)),
        finish: (...given) => reach(() => kept.finish(...given)),
      },
      trees: { keep: (tar) => reach(async () => ({ digest: await server.trees.put(tar), bytes: 0 })) },
    });
    server.commit({ '.cion.yml': build });
    const begun = await server.beginRun({ project: 'acme/app', trigger: push });
    const settled = server.settled(begun.run);
    await noted(server, begun.run, /s3:\/\/bucket\/ does not answer: 503/);
    for (let minute = 0; minute < 60; minute++) {
      const before = away.asked;
      await clock.advance(60_000);
      while (away.asked === before) await clock.advance(1000);
    }
    assert.equal((await server.dispatcher.state(begun.run))?.phase, 'running');
    away.is = false;
    let isSettled = false;
    void settled.then(() => (isSettled = true));
    while (!isSettled) await clock.advance(1000);
    assert.deepEqual(namesOf(await settled), ['build']);
    const log = await kept.open(begun.run, 'fetch.log');
    assert.ok(log && (await text(log)).includes('get code'));
  });

  it('has its plan also when the database was away while it was fetched: nothing of that is said of the run (atk-71)', async (t) => {
    const clock = virtualClock({ startAt: 1_000_000 });
    const warned = new EventEmitter();
    let asked = 0;
    const server: ReturnType<typeof beginning> = started(t, {
      clock,
      warn: (line) => void warned.emit('line', line),
      secrets: {
        forPlan: (state) => {
          if (asked++ === 0) return Promise.reject(new StoreError('STORE_UNAVAILABLE', 'The database cannot be reached (ECONNREFUSED).'));
          return server.secrets.forPlan(state);
        },
      },
    });
    server.commit({ '.cion.yml': build });
    const [[line], begun] = await Promise.all([once(warned, 'line'), server.beginRun({ project: 'acme/app', trigger: push })]);
    assert.match(String(line), /is tried again: The database cannot be reached/);
    assert.deepEqual((await server.dispatcher.state(begun.run))?.outcome, undefined);
    await clock.advance(5000);
    assert.deepEqual(namesOf(await server.settled(begun.run)), ['build']);
    assert.equal(asked, 2);
  });

  it('is cancelled also while its files cannot be kept', async (t) => {
    const gone = (): Promise<never> => Promise.reject(new ResultsError('RESULTS_UNREACHABLE', 's3://bucket/ does not answer: 503'));
    const server = started(t, { results: { ...memoryResults(), begin: gone, finish: gone }, trees: { keep: gone } });
    server.commit({ '.cion.yml': build });
    const { run: id } = await server.beginRun({ project: 'acme/app', trigger: push });
    await noted(server, id, /does not answer/);
    await server.dispatcher.report(id, () => [{ kind: 'run.cancel-requested', by: 'ada', force: false }]);
    assert.equal((await server.settled(id)).outcome, 'cancelled');
  });

  it('is not begun by hand for a ref that is not there, uses up no number then, and is where nobody can say whether it is', async (t) => {
    const server = started(t);
    server.commit({ '.cion.yml': build });
    git(server.repository, 'branch', 'old/refs/heads/nope');
    await run(server);
    const manual = { project: 'acme/app', trigger: { kind: 'manual', by } } as const;
    for (const ref of ['refs/heads/nope', 'refs/tags/main', 'refs/heads/a b']) {
      await assert.rejects(server.beginRun({ ...manual, ref }), { code: 'SOURCE_REF_GONE' });
    }
    assert.deepEqual(await server.requests.pending(), []);
    assert.deepEqual(readdirSync(join(server.root, 'data', 'keys')), []);
    const there = await server.settled((await server.beginRun({ ...manual, ref: main })).run);
    assert.deepEqual([there.number, there.fetch.source?.branch], [2, 'main']);
    rmSync(server.repository, { recursive: true });
    const away = await server.settled((await server.beginRun({ ...manual, ref: main })).run);
    assert.deepEqual([away.number, away.outcome], [3, 'failed']);
  });

  it('of a branch or a commit that is gone ends failed with its reason, and so does one without a configuration (R-CIO-19)', async (t) => {
    const server = started(t);
    const commit = server.commit({ 'a.txt': 'a' });
    const [gone, nowhere, nothing] = await Promise.all([
      run(server, { commit, ref: 'refs/heads/gone' }),
      run(server, { commit: '1'.repeat(40) }),
      run(server, { commit }),
    ]);
    const said = [gone, nowhere, nothing].map(({ phase, outcome, fetch }) => [phase, outcome, fetch.problems?.map(({ code }) => code)]);
    assert.deepEqual(said, [
      ['finished', 'failed', ['SOURCE_REF_GONE']],
      ['finished', 'failed', ['SOURCE_UNKNOWN_COMMIT']],
      ['finished', 'failed', ['CONFIG_MISSING']],
    ]);
    assert.match(gone.fetch.message ?? '', /^There is no branch gone in \S+\.$/);
    const log = await server.results.open(gone.run, 'fetch.log');
    assert.match(log === undefined ? '' : await text(log), /There is no branch gone/);
  });

  it('whose text is wrong ends failed with every Problem and its place', async (t) => {
    const server = started(t);
    server.commit({ '.cion.yml': 'build: { image: busybox, run: make, nonsense: 1 }\ntest: { run: x }\nwhat: ever\n' });
    const { outcome, fetch } = await run(server);
    assert.equal(outcome, 'failed');
    assert.ok((fetch.problems ?? []).length >= 2);
    for (const { range } of fetch.problems ?? []) assert.equal(range?.file, '.cion.yml');
  });

  it('has the digest that the same commit has on a laptop', async (t) => {
    const server = started(t, { fetches: 4 });
    const root = join(import.meta.dirname, '..', '..', 'dialects');
    const cases = (['cion', 'dockercise'] as const).flatMap((name) =>
      readdirSync(join(root, name, 'cases'))
        .filter((file) => file.endsWith('.yml') && !file.startsWith('problem-'))
        .slice(0, 12)
        .map((file) => ({
          file: name === 'cion' ? '.cion.yml' : 'all.dockercise.yaml',
          bytes: readFileSync(join(root, name, 'cases', file)),
        })),
    );
    const wanted = new Map<string, string>();
    for (const { file, bytes } of cases) {
      for (const old of ['.cion.yml', 'all.dockercise.yaml']) rmSync(join(server.repository, old), { force: true });
      const commit = server.commit({ [file]: bytes });
      const local = await planned(server.repository);
      if (local === undefined) continue;
      const values = stagesOf(local.plan).flatMap(valuesOf);
      if (values.some(({ kind }) => kind === 'encrypted')) continue;
      for (const value of values) {
        if (value.kind !== 'secret' && value.kind !== 'outside') continue;
        const kind = value.kind === 'secret' ? 'secret' : 'variable';
        await server.projectSecrets.put({ project: 'acme/app', name: value.name, kind, value: 'a value', by, scope: everywhere });
      }
      wanted.set(commit, local.digest);
    }
    assert.ok(wanted.size >= 20, String(wanted.size));
    const states = await Promise.all([...wanted.keys()].map((commit) => run(server, { commit })));
    for (const { digest, fetch } of states) {
      assert.equal(digest, wanted.get(fetch.source?.commit ?? ''), fetch.message);
    }
  });

  it('of a wercker.yml has that digest too, in each run anew, and says beside its plan what is so of it', async (t) => {
    const server = started(t, { pagesOf: ({ number }) => ({ run: `https://ci.example/${number}`, project: 'https://ci.example' }) });
    const text = `box: busybox
services: [{ id: redis, env: { AT: "run-$WERCKER_RUN_ID" } }]
build: { steps: [{ script: { code: make } }] }
deploy: { steps: [], staging: [{ script: { code: ship } }] }
`;
    const commit = server.commit({ 'wercker.yml': text });
    for (const asked of [{}, { pipeline: 'deploy', target: 'staging' }]) {
      const local = await planned(server.repository, asked);
      assert.ok(local);
      const states = [await run(server, { commit, ref: main, ...asked }), await run(server, { commit, ref: main, ...asked })];
      for (const { digest, run: id, number, circumstances } of states) {
        assert.equal(digest, local.digest);
        const { project, branch, 'run-page': page, 'started-by': startedBy } = circumstances ?? {};
        assert.deepEqual([circumstances?.id, circumstances?.commit, project, branch], [id, commit, 'acme/app', 'main']);
        assert.deepEqual([page, startedBy], [`https://ci.example/${number}`, by]);
      }
    }
  });

  it('with too large a configuration, too many files or too much time ends failed (atk-58)', async (t) => {
    const limits = { packBytes: 1e8, tree: { files: 5, bytes: 1e6 }, config: { files: 2, bytes: 5000 }, ms: 60_000 };
    const server = started(t, { limits });
    const codes = async (commit: string) =>
      (await run(server, { commit })).fetch.problems?.map(({ code, message }) => `${code} ${message}`).join();
    assert.match(
      (await codes(server.commit({ '.cion.yml': `${build}#${'x'.repeat(5000)}` }))) ?? '',
      /CONFIG_UNREADABLE .*larger than 5.0 kB/,
    );
    assert.match((await codes(server.commit({ b: '', c: '', d: '', e: '', f: '' }))) ?? '', /SOURCE_TOO_LARGE .*more than 5 files/);
    const slow = started(t, { limits: { ...limits, ms: 0 } });
    slow.commit({ '.cion.yml': build });
    assert.deepEqual(
      (await run(slow)).fetch.problems?.map(({ code }) => code),
      ['SOURCE_TOO_SLOW'],
    );
  });

  it('finds nothing of what a server left that was killed in the midst of a fetch: no checkout, no deploy key (atk-79)', async (t) => {
    const server = beginning(t);
    const left = ['checkouts/run_1/app', 'keys/key-1/key'].map((name) => join(server.root, 'data', name));
    for (const path of left) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, 'left');
    }
    server.commit({ '.cion.yml': build });
    server.start();
    const { run: id } = await server.beginRun({ project: 'acme/app', trigger: push });
    await server.settled(id);
    assert.deepEqual(left.filter(existsSync), []);
  });

  it('that was begun and not fetched is fetched by the next server; the same request is the same run', async (t) => {
    const server = beginning(t);
    const commit = server.commit({ '.cion.yml': build });
    const request = { project: 'acme/app', commit, trigger: push, once: `push//${commit}`, stages: ['build'] };
    const begun = await server.beginRun(request);
    assert.equal((await server.dispatcher.state(begun.run))?.phase, 'queued');
    await server.restart();
    const state = await server.settled(begun.run);
    assert.deepEqual(namesOf(state), ['build']);
    assert.deepEqual([...(state.only ?? [])], ['build']);
    assert.deepEqual(await server.beginRun(request), { kind: 'exists', run: begun.run });
  });

  it('whose server died before the run was there is made by the next', async (t) => {
    let isDead = true;
    const server: ReturnType<typeof beginning> = beginning(t, {
      dispatcher: {
        create: (wanted) => (isDead ? Promise.reject(new Error('died')) : server.dispatcher.create(wanted)),
        report: (id, facts) => server.dispatcher.report(id, facts),
        state: (id) => server.dispatcher.state(id),
        watch: (...given) => server.dispatcher.watch(...given),
      },
    });
    const commit = server.commit({ '.cion.yml': build });
    const request = { project: 'acme/app', commit, trigger: push, once: 'a' };
    await assert.rejects(server.beginRun(request), /died/);
    isDead = false;
    await server.restart();
    const again = await server.beginRun(request);
    assert.deepEqual(namesOf(await server.settled(again.run)), ['build']);
    assert.equal((await server.runs.list({ limit: 10 })).length, 1);
  });

  it('is fetched again by the next server when the one before stopped in the midst of it', async (t) => {
    const reached = Promise.withResolvers<void>();
    let isFirst = true;
    const stepBy: BeginRunDeps['stepBy'] = (signal) => async (reference) => {
      if (!isFirst) return refused({ code: 'STEP_UNKNOWN', message: `There is no step ${reference}.` });
      isFirst = false;
      reached.resolve();
      return aborted(signal);
    };
    const server = started(t, { stepBy });
    server.commit({ 'wercker.yml': werckerText });
    const { run: id } = await server.beginRun({ project: 'acme/app', trigger: push });
    await reached.promise;
    await server.stop();
    assert.equal((await server.dispatcher.state(id))?.phase, 'running');
    await server.restart();
    const { outcome, fetch } = await server.settled(id);
    assert.deepEqual([outcome, fetch.problems?.map(({ code }) => code)], ['failed', ['STEP_UNKNOWN']]);
    await server.stop();
    assert.deepEqual(await server.requests.pending(), []);
    assert.deepEqual(server.warnings, []);
  });

  it('that is cancelled while it is fetched ends cancelled', async (t) => {
    const reached = Promise.withResolvers<void>();
    const server = started(t, {
      stepBy: (signal) => async () => {
        reached.resolve();
        return aborted(signal);
      },
    });
    server.commit({ 'wercker.yml': werckerText });
    const { run: id } = await server.beginRun({ project: 'acme/app', trigger: push });
    await reached.promise;
    await server.dispatcher.report(id, () => [{ kind: 'run.cancel-requested', by: 'eve', force: false }]);
    const state = await server.settled(id);
    assert.deepEqual([state.outcome, state.cancel], ['cancelled', { by: 'eve', force: false }]);
    const events = await server.runs.events(id, 0);
    assert.equal(events.filter(({ kind }) => kind === 'run.cancel-requested').length, 1);
  });

  it('of a project that nobody knows is not begun', async (t) => {
    const server = started(t);
    await assert.rejects(server.beginRun({ project: 'acme/other', trigger: push }), { code: 'PROJECT_UNKNOWN' });
  });
});

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));

const werckerText = 'box: busybox\nbuild: { steps: [acme/step@1.0.0] }\n';

/** What `cion plan` says of a directory. */
const planned = async (root: string, asked: PlanOptions = {}): Promise<{ readonly digest: string; readonly plan: Plan } | undefined> => {
  const stdout = new PassThrough();
  const code = await plan(
    {
      cwd: root,
      env: {},
      stdin: new PassThrough() as unknown as NodeJS.ReadStream,
      stdout: asStream(stdout),
      stderr: asStream(new PassThrough()),
    },
    [],
    { json: true, ...asked },
  );
  return code === 0 ? JSON.parse(await text(stdout.end())) : undefined;
};

const asStream = (stream: PassThrough) => stream as unknown as NodeJS.WriteStream;

const everywhere = { pipelines: [], branches: [], environments: [], triggers: [] };
