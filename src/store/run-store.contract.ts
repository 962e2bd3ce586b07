import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Deployment, RunEvent } from '../run/run-event.ts';
import type { Queue } from './queue.ts';
import type { RunStore } from './run-store.ts';
import { change, idsOf, item, newRun, noon, noted, type StoreUnderTest } from './testing/samples.ts';

/** What every adapter of RunStore promises. */
export const runStoreContract = (name: string, make: () => Promise<StoreUnderTest>, skip: string | false = false): void => {
  describe(`${name} keeps the contract of RunStore`, { skip }, () => {
    let made: StoreUnderTest;
    let runs: RunStore;
    let queue: Queue;
    before(async () => {
      made = await make();
    });
    beforeEach(async () => {
      ({ runs, queue } = await made.fresh());
    });
    after(() => made.close());

    const numbers = async (run: string): Promise<readonly number[]> => (await runs.events(run, 0)).map(({ seq }) => seq);
    const row = async (run: string) => (await runs.list({ run, limit: 1 }))[0];

    describe('create', () => {
      it('makes a run with its first event', async () => {
        const trigger = { kind: 'push', by: 'ada', actor: '7', ref: 'refs/heads/main' } as const;
        assert.deepEqual(await runs.create(newRun('run_a', { trigger, commit: 'c1' })), { kind: 'created', number: 1 });
        assert.deepEqual(await runs.events('run_a', 0), [
          { seq: 1, at: noon, kind: 'run.created', run: 'run_a', number: 1, project: 'ada/shop', trigger },
        ]);
        assert.deepEqual(await row('run_a'), {
          run: 'run_a',
          project: 'ada/shop',
          number: 1,
          pipeline: 'main',
          phase: 'queued',
          trigger,
          commit: 'c1',
          createdAt: noon,
          lastSeq: 1,
        });
      });

      it('numbers the runs of each project from 1, without holes also when many come at once (R-CIO-58)', async () => {
        const wanted = Array.from({ length: 40 }, (_, i) =>
          newRun(`run_${i}`, { project: i % 2 === 0 ? 'ada/shop' : 'bob/blog', ...(i >= 20 && { once: `push/main/${i % 4}` }) }),
        );
        const answers = await Promise.all(wanted.map((run) => runs.create(run)));
        for (const project of ['ada/shop', 'bob/blog']) {
          const got = answers.flatMap((answer, i) => (wanted[i]?.project === project && answer.kind === 'created' ? [answer.number] : []));
          assert.deepEqual(
            got.toSorted((one, other) => one - other),
            Array.from({ length: 12 }, (_, i) => i + 1),
          );
        }
      });

      it('makes one run of what comes twice, and names it (R-CIO-32)', async () => {
        const twins = ['run_a', 'run_b', 'run_c'].map((run) => runs.create(newRun(run, { once: 'push/main/c1' })));
        const answers = await Promise.all(twins);
        const winner = answers.findIndex(({ kind }) => kind === 'created');
        const run = ['run_a', 'run_b', 'run_c'][winner];
        assert.deepEqual(
          answers.filter(({ kind }) => kind === 'exists'),
          [
            { kind: 'exists', run },
            { kind: 'exists', run },
          ],
        );
        assert.equal((await runs.list({ limit: 9 })).length, 1);
        assert.equal((await runs.create(newRun('run_d', { once: 'push/main/c1', project: 'bob/blog' }))).kind, 'created');
        assert.deepEqual(await runs.create(newRun('run_e', { once: 'push/main/c2' })), { kind: 'created', number: 2 });
      });

      it('answers the same when it is asked again for the same run: its answer may have been lost', async () => {
        const run = newRun('run_a', { once: 'push/main/c1' });
        await runs.create(newRun('run_0'));
        assert.deepEqual(await runs.create(run), { kind: 'created', number: 2 });
        assert.deepEqual(await runs.create(run), { kind: 'created', number: 2 });
        assert.deepEqual(await numbers('run_a'), [1]);
      });
    });

    describe('append', () => {
      beforeEach(async () => {
        await runs.create(newRun('run_a'));
      });

      it('adds events after the last that was known, and shows what the run is now', async () => {
        const facts = [noted('get code'), noted('parse')];
        const shown = {
          phase: 'finished',
          outcome: 'passed',
          pipeline: 'nightly',
          commit: 'c1',
          branch: 'main',
          subject: 'Sell more',
          digest: 'd1',
          startedAt: noon + 1,
          finishedAt: noon + 2,
        } as const;
        assert.equal(await runs.append(change('run_a', 1, { facts, row: shown })), 'appended');
        assert.deepEqual(await runs.events('run_a', 1), [
          { seq: 2, at: noon + 2, kind: 'run.noted', text: 'get code' },
          { seq: 3, at: noon + 3, kind: 'run.noted', text: 'parse' },
        ]);
        assert.deepEqual(await numbers('run_a'), [1, 2, 3]);
        const trigger = { kind: 'manual', by: 'ada' };
        assert.deepEqual(await row('run_a'), {
          run: 'run_a',
          project: 'ada/shop',
          number: 1,
          trigger,
          createdAt: noon,
          lastSeq: 3,
          ...shown,
        });
      });

      it('writes nothing when another was faster', async () => {
        const first = change('run_a', 1, { facts: [noted('one')], push: [item('run_a', 'build')], row: { subject: 'one' } });
        assert.equal(await runs.append(first), 'appended');
        const late = { facts: [noted('two')], push: [item('run_a', 'test')], remove: ['run_a/build/1'], row: { subject: 'two' } };
        for (const known of [0, 1, 3]) assert.equal(await runs.append(change('run_a', known, late)), 'conflict');
        assert.deepEqual(await numbers('run_a'), [1, 2]);
        assert.deepEqual(idsOf(await queue.list()), ['run_a/build/1']);
        assert.equal((await row('run_a'))?.subject, 'one');
      });

      it('lets one of many through that know the same', async () => {
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, i) => runs.append(change('run_a', 1, { facts: [noted(`${i}`)] }))),
        );
        assert.equal(answers.filter((answer) => answer === 'appended').length, 1);
        assert.equal(answers.filter((answer) => answer === 'conflict').length, 19);
        assert.deepEqual(await numbers('run_a'), [1, 2]);
      });

      it('is a conflict for a run that is not there', async () => {
        assert.equal(await runs.append(change('run_z', 0, { facts: [noted('x')] })), 'conflict');
        assert.deepEqual(await runs.events('run_z', 0), []);
      });

      it('changes the queue also without an event, and forgives an item that is not there', async () => {
        assert.equal(await runs.append(change('run_a', 1, { push: [item('run_a', 'build')] })), 'appended');
        assert.equal(
          await runs.append(change('run_a', 1, { remove: ['run_a/build/1', 'run_a/other/1'], giveBack: ['no/such/1'] })),
          'appended',
        );
        assert.deepEqual(await queue.list(), []);
        assert.deepEqual(await numbers('run_a'), [1]);
      });

      it('keeps every string as it was', async () => {
        const texts = [
          "'; drop table run; --",
          'a\0b',
          '\ud800 alone',
          '{"a":[1]}',
          '\\u0000',
          'ü 漢 🚀',
          '',
          '%s $1 :x',
          'x'.repeat(1_000_000),
        ];
        assert.equal(await runs.append(change('run_a', 1, { facts: texts.map(noted), row: { subject: 'a\0b \ud800' } })), 'appended');
        const kept = (await runs.events('run_a', 1)).map((event) => event.kind === 'run.noted' && event.text);
        assert.deepEqual(kept, texts);
        assert.match((await row('run_a'))?.subject ?? '', /^a.*b/);
      });
    });

    describe('a guarded append', () => {
      let token: number;
      beforeEach(async () => {
        await runs.create(newRun('run_a'));
        await runs.append(change('run_a', 1, { push: [item('run_a', 'build'), item('run_a', 'test')] }));
        const [claimed] = await queue.claim([{ worker: 'w1', labels: [], slots: 1 }], { now: noon, until: noon + 15_000 });
        token = claimed?.claim?.token ?? Number.NaN;
      });
      const guarded = (known: number, guard: { item?: string; token?: number; sequence?: number }) =>
        runs.append(
          change('run_a', known, {
            facts: [noted('reported')],
            remove: ['run_a/test/1'],
            guard: { item: 'run_a/build/1', token, ...guard },
          }),
        );

      it('counts for the newest lease of its item', async () => {
        assert.equal(await guarded(1, {}), 'appended');
        assert.deepEqual(await numbers('run_a'), [1, 2]);
      });

      it('is fenced for any other token, also when its events would not go on', async () => {
        for (const known of [0, 1]) {
          assert.equal(await guarded(known, { token: token - 1 }), 'fenced');
          assert.equal(await guarded(known, { token: token + 1 }), 'fenced');
          assert.equal(await guarded(known, { item: 'run_a/test/1' }), 'fenced');
          assert.equal(await guarded(known, { item: 'run_a/no/1' }), 'fenced');
        }
        assert.deepEqual(await numbers('run_a'), [1]);
        assert.equal((await queue.list()).length, 2);
      });

      it('is a conflict when the lease is the newest and the events are not', async () => {
        assert.equal(await guarded(0, { sequence: 1 }), 'conflict');
        assert.equal(await guarded(1, { sequence: 1 }), 'appended');
      });

      it('counts a report once, and only the next one', async () => {
        assert.equal(await guarded(1, { sequence: 2 }), 'fenced');
        assert.equal(await guarded(1, { sequence: 1 }), 'appended');
        assert.equal(await guarded(2, { sequence: 1 }), 'fenced');
        assert.equal(await guarded(2, { sequence: 2 }), 'appended');
        assert.equal(await guarded(3, {}), 'appended');
        assert.equal(await guarded(4, { sequence: 3 }), 'appended');
        assert.deepEqual(await numbers('run_a'), [1, 2, 3, 4, 5]);
      });

      it('counts the same report once when it comes many times at once', async () => {
        const answers = await Promise.all(Array.from({ length: 10 }, () => guarded(1, { sequence: 1 })));
        assert.equal(answers.filter((answer) => answer === 'appended').length, 1);
        assert.deepEqual(await numbers('run_a'), [1, 2]);
      });

      it('begins to count anew with each lease', async () => {
        assert.equal(await guarded(1, { sequence: 1 }), 'appended');
        const [again] = await queue.reclaim('w1', [], noon + 30_000);
        token = again?.claim?.token ?? Number.NaN;
        assert.equal(await guarded(2, { sequence: 1 }), 'appended');
      });
    });

    describe('list', () => {
      const finish = async (run: string, outcome: 'passed' | 'failed', branch: string, finishedAt: number, pipeline = 'main') => {
        await runs.append(change(run, 1, { row: { phase: 'finished', outcome, branch, finishedAt, pipeline, commit: `c-${run}` } }));
      };
      beforeEach(async () => {
        for (const run of ['run_a', 'run_b', 'run_c']) await runs.create(newRun(run));
        for (const run of ['run_x', 'run_y']) await runs.create(newRun(run, { project: 'bob/blog', pipeline: 'nightly' }));
        await finish('run_a', 'passed', 'main', noon + 10);
        await finish('run_b', 'failed', 'main', noon + 20);
        await finish('run_c', 'passed', 'next', noon + 30);
        await finish('run_x', 'passed', 'main', noon + 40, 'nightly');
      });
      const found = async (filter: Omit<Parameters<RunStore['list']>[0], 'limit'>, limit = 9) =>
        (await runs.list({ ...filter, limit })).map(({ run }) => run);

      it('is of all projects, newest first, page by page', async () => {
        assert.deepEqual(await found({}), ['run_y', 'run_x', 'run_c', 'run_b', 'run_a']);
        assert.deepEqual(await found({}, 2), ['run_y', 'run_x']);
        assert.deepEqual(await found({ before: 'run_x' }, 2), ['run_c', 'run_b']);
        assert.deepEqual(await found({ before: 'run_a' }), []);
      });

      it('finds those that are named, and nothing where none is', async () => {
        assert.deepEqual(await found({ runs: ['run_a', 'run_gone', 'run_x'] }), ['run_x', 'run_a']);
        assert.deepEqual(await found({ runs: ['run_a', 'run_x'], project: 'ada/shop' }), ['run_a']);
        assert.deepEqual(await found({ runs: [] }), []);
      });

      it('finds exactly the green ones of a branch of a project (R-CIO-17)', async () => {
        assert.deepEqual(await found({ project: 'ada/shop', branch: 'main', outcome: 'passed' }), ['run_a']);
        assert.deepEqual(await found({ project: 'ada/shop', outcome: 'passed' }), ['run_c', 'run_a']);
        assert.deepEqual(await found({ outcome: 'passed' }), ['run_x', 'run_c', 'run_a']);
      });

      it('finds by number, run, commit, pipeline and end', async () => {
        assert.deepEqual(await found({ project: 'ada/shop', number: 2 }), ['run_b']);
        assert.deepEqual(await found({ number: 2 }), ['run_y', 'run_b']);
        assert.deepEqual(await found({ run: 'run_c' }), ['run_c']);
        assert.deepEqual(await found({ commit: 'c-run_b' }), ['run_b']);
        assert.deepEqual(await found({ pipeline: 'nightly' }), ['run_y', 'run_x']);
        assert.deepEqual(await found({ finished: false }), ['run_y']);
        assert.deepEqual(await found({ finished: true, project: 'bob/blog' }), ['run_x']);
        assert.deepEqual(await found({ finishedAfter: noon + 20 }), ['run_x', 'run_c']);
        assert.deepEqual(await found({ project: 'no/such' }), []);
      });
    });

    describe('deployments', () => {
      const deployed = (environment: string, commit: string, at: number): Deployment => ({
        environment,
        commit,
        changedFiles: 0,
        image: { reference: 'shop:1', digest: `sha256:${commit}` },
        at,
      });
      const record = (run: string, known: number, deployments: readonly Deployment[]) =>
        runs.append(
          change(run, known, { facts: deployments.map((deployment) => ({ kind: 'deployment.recorded', stage: 'ship', deployment })) }),
        );

      it('say what was deployed where, when, by which run; the first is what is there now (R-CIO-18)', async () => {
        await runs.create(newRun('run_a'));
        await runs.create(newRun('run_b', { project: 'bob/blog' }));
        const [one, two, three] = [deployed('live', 'c1', noon + 5), deployed('test', 'c1', noon + 6), deployed('live', 'c2', noon + 4)];
        await record('run_a', 1, [one, two]);
        await record('run_b', 1, [deployed('live', 'c9', noon + 9)]);
        await record('run_a', 3, [three]);
        const ours = { run: 'run_a', number: 1, project: 'ada/shop', pipeline: 'main', stage: 'ship' };
        assert.deepEqual(await runs.deployments({ project: 'ada/shop', limit: 9 }), [
          { ...three, ...ours, seq: 4 },
          { ...two, ...ours, seq: 3 },
          { ...one, ...ours, seq: 2 },
        ]);
        const now = await runs.deployments({ project: 'ada/shop', environment: 'live', limit: 1 });
        assert.deepEqual(
          now.map(({ commit }) => commit),
          ['c2'],
        );
        assert.deepEqual(
          (await runs.deployments({ environment: 'live', limit: 2 })).map(({ commit }) => commit),
          ['c2', 'c9'],
        );
      });
    });

    describe('remove', () => {
      it('takes a run away with its events, deployments and items, and leaves the others and its number alone', async () => {
        const deployment: Deployment = { environment: 'live', changedFiles: 0, image: { reference: 'i', digest: 'd' }, at: noon };
        for (const run of ['run_a', 'run_b']) {
          await runs.create(newRun(run));
          await runs.append(
            change(run, 1, { facts: [{ kind: 'deployment.recorded', stage: 'ship', deployment }], push: [item(run, 'build')] }),
          );
        }
        await runs.remove('run_b');
        await runs.remove('run_z');
        assert.deepEqual(await runs.events('run_b', 0), []);
        assert.deepEqual(await numbers('run_a'), [1, 2]);
        assert.deepEqual(idsOf(await queue.list()), ['run_a/build/1']);
        assert.deepEqual(
          (await runs.deployments({ limit: 9 })).map(({ run }) => run),
          ['run_a'],
        );
        assert.deepEqual(
          (await runs.list({ limit: 9 })).map(({ run }) => run),
          ['run_a'],
        );
        assert.deepEqual(await runs.create(newRun('run_c')), { kind: 'created', number: 3 });
      });
    });

    it('carries many runs at once, each in its order', async () => {
      const names = Array.from({ length: 10 }, (_, i) => `run_${i}`);
      await Promise.all(
        names.map(async (run) => {
          await runs.create(newRun(run));
          for (let known = 1; known <= 10; known++) {
            assert.equal(await runs.append(change(run, known, { facts: [noted(`${run} ${known}`)] })), 'appended');
          }
        }),
      );
      for (const run of names) {
        const texts = (await runs.events(run, 1)).map((event: RunEvent) => event.kind === 'run.noted' && event.text);
        assert.deepEqual(
          texts,
          Array.from({ length: 10 }, (_, i) => `${run} ${i + 1}`),
        );
      }
    });
  });
};
