import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { apiClient } from '../../api/client.ts';
import type { Claimed, WorkerFact } from '../../api/worker-protocol.ts';
import { tarEnd, tarHeader, tarPadding } from '../../lib/tar-header.ts';
import { stagesOf } from '../../plan/stage.ts';
import { ResultsError } from '../../results/results-error.ts';
import { accessOf } from '../routes/access.ts';
import { testGuard } from '../testing/test-guard.ts';
import { testServer } from '../testing/test-server.ts';
import { releaseOf } from './release.ts';
import { rollbackPlugin } from './rollback-plugin.ts';
import { beginning } from './testing/beginning.ts';

const never = new AbortController().signal;
const tarOfText = (text: string): Readable =>
  Readable.from([
    tarHeader({ name: Buffer.from('site.txt'), kind: 'file', mode: 0o644, at: 0, bytes: text.length }),
    Buffer.from(text),
    tarPadding(text.length),
    tarEnd(),
  ]);
const image = (digit: string) => ({ reference: 'busybox:1', digest: `sha256:${digit.repeat(64)}` });

const text = (version: string): string => `build:
  image: busybox:1
  cmd: make ${version}
release:
  image: busybox:1
  cmd: upload ${version}
`;

/** A server with a project of two stages, whose worker is the test. */
const site = async (t: TestContext) => {
  const gone = new Set<string>();
  const away = { is: false };
  const release = (run: string, environment: string) =>
    releaseOf({
      dispatcher: begun.dispatcher,
      results: begun.results,
      trees: {
        open: async (digest) => {
          if (away.is) throw new ResultsError('RESULTS_UNREACHABLE', 's3://bucket/ does not answer');
          if (gone.has(digest)) throw new Error('removed');
          return begun.trees.open(digest);
        },
        keep: async (tar) => ({ digest: await begun.trees.put(tar) }),
      },
      outputOf: () => Promise.reject(new Error('no stage prints anything')),
      outsideOf: begun.secrets.outsideOf,
    })(run, environment);
  const begun = beginning(t, { releaseOf: release });
  begun.commit({ '.cion.yml': text('0') });
  begun.start();
  const guard = testGuard();
  guard.grant('ada', 'acme/app', 'read', 'run');
  guard.grant('eve', 'acme/app', 'read', 'decide');
  const { runs, requests, project, beginRun } = begun;
  const projects = { get: async (name: string) => (name === project.name ? project : undefined), list: async () => [project] };
  const { dispatcher } = begun;
  const access = accessOf({ actorOf: guard.actorOf, guard, projects, runs, dispatcher }).project;
  const server = await testServer({
    dispatcher,
    runs,
    projects,
    guard,
    actorOf: guard.actorOf,
    plugins: [rollbackPlugin({ access, runs, requests, releaseOf: release, beginRun, guard })],
  });
  t.after(() => server.close());

  const claim = async (): Promise<Claimed> => {
    for (;;) {
      const {
        claimed: [claimed],
      } = await dispatcher.claim({ worker: 'w1', slots: 10, fresh: false, waitMs: 5000, labels: [] }, never);
      if (claimed !== undefined) return claimed;
    }
  };
  /** One attempt to its end: in each volume that is kept it leaves a file that says the version. */
  const carry = async (claimed: Claimed, version: string, digit: string): Promise<void> => {
    const of = { stage: claimed.work.stage.name, attempt: claimed.work.attempt };
    const kept: WorkerFact[] = [];
    for (const volume of claimed.keep) {
      kept.push({ kind: 'volume.kept', ...of, volume, tree: await begun.trees.put(tarOfText(`${version} in ${volume}`)), bytes: 1 });
    }
    const facts: readonly WorkerFact[] = [
      { kind: 'stage.preparing', ...of },
      { kind: 'image.resolved', ...of, ...image(digit), pulled: true },
      { kind: 'stage.started', ...of, container: 'c' },
      ...kept,
      { kind: 'stage.finished', ...of, outcome: 'passed' },
    ];
    const { item, token } = claimed.lease;
    await dispatcher.report({ worker: 'w1', waitMs: 0, items: [{ item, token, sequence: 1, facts }] }, never);
  };
  return {
    ...begun,
    gone,
    away,
    guard,
    claim,
    carry,
    as: (name: string) => apiClient({ url: server.url, token: `account:${name}` }),
    /** A commit that is built and released. */
    deployed: async (version: string, digit: string) => {
      const commit = begun.commit({ '.cion.yml': text(version) });
      const { run } = await beginRun({ project: 'acme/app', trigger: { kind: 'manual', by: 'ada' } });
      await carry(await claim(), version, digit);
      await carry(await claim(), version, digit);
      return { run, commit, state: (await dispatcher.state(run)) ?? assert.fail() };
    },
  };
};

describe('a release that runs again', () => {
  it('is a run of the old commit, of the stages that deployed, with the files and the image that they had (R-CIO-18)', async (t) => {
    const { deployed, as, claim, carry, dispatcher, trees, guard } = await site(t);
    const first = await deployed('1', '1');
    await deployed('2', '2');
    const begun = await as('ada').rollback('acme/app', 'production');
    assert.deepEqual([begun.kind, begun.from, begun.number], ['created', 1, 3]);

    const claimed = await claim();
    const { stage } = claimed.work;
    assert.equal(stage.name, 'release');
    assert.deepEqual(stage.image, { kind: 'reference', reference: `busybox:1@${image('1').digest}` });
    assert.match(JSON.stringify(stage.command), /upload 1/);
    const seen = await Promise.all(
      Object.entries(claimed.volumes).map(async ([, content]) => {
        assert.equal(content.kind, 'tree');
        return content.kind === 'tree' ? (await buffer(await trees.open(content.digest.replace('sha256:', '')))).toString() : '';
      }),
    );
    assert.equal(seen.length, 2);
    for (const files of seen) assert.match(files, /1 in /);
    await carry(claimed, '1', '1');

    const state = (await dispatcher.state(begun.run)) ?? assert.fail();
    assert.equal(state.outcome, 'passed');
    assert.deepEqual(state.trigger, { kind: 'manual', by: 'ada', from: first.run, fromNumber: 1 });
    const [now] = await as('ada').deployments('acme/app');
    assert.deepEqual([now?.number, now?.commit, now?.image.digest], [3, first.commit, image('1').digest]);
    const note = guard.notes.find(({ action }) => action === 'environment.rollback');
    assert.deepEqual(note?.detail, { environment: 'production', run: begun.run, from: first.run });
  });

  it('goes further back when it is asked for twice, and to the run that is named', async (t) => {
    const { deployed, as, claim, carry } = await site(t);
    for (const version of ['1', '2', '3']) await deployed(version, version);
    const ada = as('ada');
    const back = async (wanted = {}): Promise<number> => {
      const { from } = await ada.rollback('acme/app', 'production', wanted);
      await carry(await claim(), 'x', '7');
      return from;
    };
    assert.equal(await back(), 2);
    assert.equal(await back(), 1);
    await assert.rejects(back(), { code: 'RELEASE_UNKNOWN', status: 409 });
    assert.equal(await back({ run: 3 }), 3);
    assert.equal(await back({ run: 4 }), 4);
    await assert.rejects(back({ run: 99 }), { code: 'RELEASE_UNKNOWN', message: 'Run 99 deployed nothing to "production".' });
    await assert.rejects(ada.rollback('acme/app', 'moon'), { code: 'RELEASE_UNKNOWN' });
  });

  it('is refused, and nothing begins, when what it needs is no longer kept', async (t) => {
    const { deployed, as, gone, runs } = await site(t);
    const { state } = await deployed('1', '1');
    await deployed('2', '2');
    const built = state.nodes.get('build');
    const kept = built?.kind === 'stage' ? Object.values(built.attempts[0]?.keptVolumes ?? {}) : [];
    for (const digest of kept) gone.add(digest);
    await assert.rejects(as('ada').rollback('acme/app', 'production'), {
      code: 'RELEASE_GONE',
      status: 409,
      message: /run 1 cannot run again/,
    });
    assert.equal((await runs.list({ project: 'acme/app', limit: 10 })).length, 2);
  });

  it('is not said to be gone when the place of its files is only away: it is asked for again, and what has begun waits (atk-75)', async (t) => {
    const { deployed, as, away, claim, dispatcher, beginRun, settled } = await site(t);
    const { run } = await deployed('1', '1');
    await deployed('2', '2');
    away.is = true;
    await assert.rejects(as('ada').rollback('acme/app', 'production'), { code: 'RESULTS_UNREACHABLE', status: 502 });
    const begun = await beginRun({
      project: 'acme/app',
      trigger: { kind: 'manual', by: 'ada', from: run },
      again: { run, environment: 'production' },
    });
    await new Promise<void>((resolve) => {
      const stop = dispatcher.watch(begun.run, (events) => {
        if (!events.some((event) => event.kind === 'run.noted' && event.text.includes('does not answer'))) return;
        stop();
        resolve();
      });
    });
    away.is = false;
    assert.ok((await settled(begun.run)).plan);
    assert.equal((await claim()).work.stage.name, 'release');
  });

  it('needs the right to run', async (t) => {
    const { deployed, as } = await site(t);
    await deployed('1', '1');
    await deployed('2', '2');
    await assert.rejects(as('eve').rollback('acme/app', 'production'), { code: 'FORBIDDEN', status: 403 });
    await assert.rejects(as('bob').rollback('acme/app', 'production'), { code: 'PROJECT_UNKNOWN', status: 404 });
  });

  it('ends failed and says why when its files go between its beginning and its plan', async (t) => {
    const { deployed, beginRun, settled, gone, dispatcher } = await site(t);
    const { run, state } = await deployed('1', '1');
    assert.equal(stagesOf(state.plan ?? assert.fail()).length, 2);
    const built = state.nodes.get('build');
    for (const digest of built?.kind === 'stage' ? Object.values(built.attempts[0]?.keptVolumes ?? {}) : []) gone.add(digest);
    const begun = await beginRun({
      project: 'acme/app',
      trigger: { kind: 'manual', by: 'ada', from: run },
      again: { run, environment: 'production' },
    });
    await settled(begun.run);
    const ended = (await dispatcher.state(begun.run)) ?? assert.fail();
    assert.deepEqual([ended.outcome, ended.fetch.outcome], ['failed', 'failed']);
    assert.match(ended.fetch.message ?? '', /no longer kept/);
  });
});
