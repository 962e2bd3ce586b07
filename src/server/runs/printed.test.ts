import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { text } from 'node:stream/consumers';
import type { Claimed, WorkerFact } from '../../api/worker-protocol.ts';
import { digestOf } from '../../lib/canonical-json.ts';
import { isPrintingName } from '../../plan/printing.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Trigger } from '../../run/run-event.ts';
import { defaultSettings } from '../../store/projects.ts';
import { explain, explainRun } from '../dispatch/why.ts';
import { cancelRun, rerun } from '../dispatch/requests.ts';
import type { RunRequest } from './begin-run.ts';
import { beginning, git } from './testing/beginning.ts';

const push: Trigger = { kind: 'push', by: 'ada', ref: 'refs/heads/main' };
const { signal } = new AbortController();

type Said = { readonly out?: string; readonly err?: string; readonly code?: number; readonly errored?: string; readonly late?: true };

describe('a run of a server whose configuration is what images print', () => {
  const started = (t: TestContext, more?: Parameters<typeof beginning>[1]) => {
    const server = beginning(t, more);
    server.start();
    return server;
  };
  type Server = ReturnType<typeof beginning>;

  const begin = async (server: Server, request: Partial<RunRequest> = {}): Promise<string> =>
    (await server.beginRun({ project: 'acme/app', trigger: push, ...request })).run;

  const claim = async (server: Server): Promise<Claimed> => {
    const { claimed } = await server.dispatcher.claim({ worker: 'w1', labels: [], slots: 1, waitMs: 20_000, fresh: false }, signal);
    const [first] = claimed;
    assert.ok(first, 'there is work');
    return first;
  };
  const tell = (server: Server, { lease }: Claimed, sequence: number, facts: readonly WorkerFact[]) =>
    server.dispatcher.report({ worker: 'w1', waitMs: 0, items: [{ item: lease.item, token: lease.token, sequence, facts }] }, signal);

  /** As a worker runs it, with what the image says. */
  const run = async (server: Server, claimed: Claimed, { out = '', err = '', code = 0, errored, late }: Said): Promise<void> => {
    const { run: of, stage, attempt } = claimed.work;
    const key = { run: of, stage: stage.name, attempt };
    const about = { stage: stage.name, attempt };
    await tell(server, claimed, 1, [{ kind: 'stage.preparing', ...about }]);
    if (errored !== undefined) {
      const cause = { kind: 'error', code: errored, message: 'it is away' } as const;
      await tell(server, claimed, 2, [{ kind: 'stage.finished', ...about, outcome: 'errored', cause }]);
      return;
    }
    await tell(server, claimed, 2, [{ kind: 'stage.started', ...about, container: 'c' }]);
    const log = await server.results.begin(key, 1);
    if (out !== '') await log.append({ stream: 'stdout', bytes: Buffer.from(out), at: 1 });
    if (err !== '') await log.append({ stream: 'stderr', bytes: Buffer.from(err), at: 1 });
    await log.close();
    const output = { bytes: Buffer.byteLength(out), digest: digestOf(Buffer.from(out)) };
    const end = late
      ? ({ outcome: 'failed', cause: { kind: 'timeout', limit: 'total', ms: 300_000 } } as const)
      : code === 0
        ? ({ outcome: 'passed' } as const)
        : ({ outcome: 'failed', cause: { kind: 'exit', code } } as const);
    await tell(server, claimed, 3, [{ kind: 'stage.finished', ...about, ...end, output }]);
  };

  /** Runs what comes until the run has its plan or has ended. */
  const carried = async (server: Server, id: string, images: Readonly<Record<string, Said>>): Promise<RunState> => {
    let settled: RunState | undefined;
    const over = server.settled(id).then((state) => {
      settled = state;
    });
    const stop = new AbortController();
    void over.then(() => stop.abort());
    while (settled === undefined) {
      const { claimed } = await server.dispatcher.claim({ worker: 'w1', labels: [], slots: 1, waitMs: 20_000, fresh: false }, stop.signal);
      for (const one of claimed.filter(({ work }) => isPrintingName(work.stage.name))) {
        const { image } = one.work.stage;
        const name = image.kind === 'reference' ? image.reference : '';
        await run(server, one, images[name] ?? {});
      }
    }
    await over;
    return settled;
  };
  const codes = ({ fetch }: RunState): readonly string[] => (fetch.problems ?? []).map(({ code }) => code);

  const top = 'meta: { subgraphs: [acme/high, acme/side] }\na: { img: busybox, after: high }\n';
  const images = {
    'acme/high': { out: 'meta: { subgraphs: acme/low }\nhigh: { img: busybox, after: low }\n', err: 'told aside' },
    'acme/side': { out: 'side: { img: busybox }\n' },
    'acme/low': { out: 'low: { img: busybox }\n' },
  };

  it('has them run as items of the queue, given nothing, before it has its plan; each once, as deep as they ask (R-DCK-55)', async (t) => {
    const server = started(t);
    await server.projectSecrets.put({
      project: 'acme/app',
      name: 'TOKEN',
      kind: 'secret',
      value: 'hunter2hunter2',
      by: 'ada',
      scope: { pipelines: [], branches: [], environments: [], triggers: [] },
    });
    server.commit({ 'a.dockercise.yaml': top });
    const id = await begin(server);
    const first = await claim(server);
    assert.deepEqual(
      [first.work.stage.name, first.work.stage.env, first.work.stage.mounts, first.outside, first.volumes, first.isAsked],
      ['fetch.1', {}, [], { variables: {}, secrets: {}, encrypted: {} }, {}, true],
    );
    const state = await server.dispatcher.state(id);
    assert.deepEqual([state?.phase, state?.plan, state?.openNodes], ['running', undefined, 2]);
    await run(server, first, images['acme/high']);
    const { plan, nodes, fetch } = await carried(server, id, images);
    assert.deepEqual(
      plan?.nodes.map(({ name, needs }) => [name, needs.map(({ node }) => node).join()]),
      [
        ['a', 'high'],
        ['high', 'low'],
        ['side', ''],
        ['low', ''],
      ],
    );
    assert.deepEqual([...nodes.keys()], ['fetch.1', 'fetch.2', 'fetch.3', 'a', 'high', 'side', 'low']);
    assert.equal(fetch.outcome, 'passed');
    const events = await server.runs.events(id, 0);
    const kinds = events.map(({ kind }) => kind);
    for (const once of ['fetch.started', 'fetch.finished', 'source.kept', 'run.planned'] as const)
      assert.equal(kinds.filter((kind) => kind === once).length, 1, once);
    assert.equal(kinds.filter((kind) => kind === 'run.printing').length, 2);
    const queued = events.flatMap((event) => (event.kind === 'stage.queued' && isPrintingName(event.stage) ? [event.stage] : []));
    assert.deepEqual(queued, ['fetch.1', 'fetch.2', 'fetch.3']);
    const log = await server.results.open(id, 'fetch.log');
    assert.match(log === undefined ? '' : await text(log), /acme\/low printed 22 bytes of the configuration, as fetch\.3/);
    await server.stop();
    assert.deepEqual(await server.requests.pending(), []);
  });

  it('says why it waits, and what prints is explained as any stage is', async (t) => {
    const server = started(t);
    server.commit({ 'a.dockercise.yaml': top });
    const id = await begin(server);
    const claimed = await claim(server);
    const state = await server.dispatcher.state(id);
    assert.ok(state);
    assert.equal(explainRun(state), 'Images print what it is made of: 2 have not ended.');
    const why = explain({ state, queue: [], workers: [] });
    assert.deepEqual([...why.keys()], ['fetch.1', 'fetch.2']);
    await run(server, claimed, images['acme/high']);
    await carried(server, id, images);
    const after = await server.dispatcher.state(id);
    assert.ok(after);
    assert.equal(explain({ state: after, queue: [], workers: [] }).get('fetch.1'), 'It has passed on w1.');
  });

  it('stays about its commit, also when its branch has moved or is gone meanwhile', async (t) => {
    const server = started(t);
    const commit = server.commit({ 'a.dockercise.yaml': 'meta: { subgraphs: acme/low }\n' });
    const id = await begin(server, { ref: 'refs/heads/main' });
    const claimed = await claim(server);
    git(server.repository, 'checkout', '-q', '-b', 'other');
    git(server.repository, 'branch', '-q', '-D', 'main');
    await run(server, claimed, images['acme/low']);
    const { fetch, plan } = await server.settled(id);
    assert.deepEqual([fetch.source?.commit, fetch.source?.branch, plan?.nodes.length], [commit, 'main', 1]);
  });

  it('goes on with the next server where the one before died: before, while and after an image prints', async (t) => {
    const server = started(t);
    server.commit({ 'a.dockercise.yaml': top });
    const id = await begin(server);
    const first = await claim(server);
    await server.restart();
    const { claimed } = await server.dispatcher.claim({ worker: 'w1', labels: [], slots: 2, waitMs: 0, fresh: true }, signal);
    assert.deepEqual(
      claimed.map(({ lease }) => lease.item),
      [first.lease.item],
    );
    for (const one of claimed) await run(server, one, images['acme/high']);
    const side = await claim(server);
    await server.stop();
    await server.restart();
    const again = await server.dispatcher.claim({ worker: 'w1', labels: [], slots: 2, waitMs: 0, fresh: true }, signal);
    assert.equal(again.claimed[0]?.lease.item, side.lease.item);
    for (const one of again.claimed) await run(server, one, images['acme/side']);
    const { plan } = await carried(server, id, images);
    assert.equal(plan?.nodes.length, 4);
    assert.deepEqual(server.warnings, []);
  });

  it('ends failed with what an image said that prints nothing, and with a circle, too much and no configuration', async (t) => {
    const server = started(t, { fetches: 4 });
    const ended = async (name: string, said: Said): Promise<RunState> => {
      server.commit({ 'a.dockercise.yaml': `meta: { subgraphs: ${name} }\n` });
      return carried(server, await begin(server), { [name]: said });
    };
    const broken = await ended('acme/broken', { err: 'there is no disk\n', code: 3 });
    assert.deepEqual([broken.outcome, codes(broken)], ['failed', ['SUBGRAPH_FAILED']]);
    assert.match(broken.fetch.message ?? '', /"acme\/broken", which should print stages, ended with exit code 3: there is no disk\./);
    assert.match((await ended('acme/late', { late: true })).fetch.message ?? '', /does not end within 5 minutes/);
    const missing = await ended('acme/missing', { errored: 'IMAGE_NOT_FOUND' });
    assert.deepEqual([missing.outcome, codes(missing)], ['failed', ['SUBGRAPH_FAILED']]);
    const away = await ended('acme/away', { errored: 'ENGINE_GONE' });
    assert.deepEqual([away.outcome, away.fetch.outcome], ['errored', 'errored']);
    assert.match(away.fetch.message ?? '', /fetch\.1 has errored/);
    const circle = await ended('acme/circle', { out: 'meta: { subgraphs: acme/circle }\n' });
    assert.deepEqual(codes(circle), ['SUBGRAPH_CYCLE']);
    assert.deepEqual(codes(await ended('acme/large', { out: `#${'x'.repeat(2 ** 20)}\n` })), ['CONFIG_TOO_LARGE']);
    assert.deepEqual(codes(await ended('acme/silent', {})), ['CONFIG_EMPTY']);
    await server.stop();
    assert.deepEqual(await server.requests.pending(), []);
  });

  it('tries an image again that could not be run for no fault of its own', async (t) => {
    const server = started(t);
    server.commit({ 'a.dockercise.yaml': 'meta: { subgraphs: acme/low }\n' });
    const id = await begin(server);
    await run(server, await claim(server), { errored: 'ENGINE_GONE' });
    const again = await claim(server);
    assert.equal(again.work.attempt, 2);
    await run(server, again, images['acme/low']);
    assert.equal((await server.settled(id)).plan?.nodes.length, 1);
  });

  it('ends cancelled when that is asked: what is queued is withdrawn, what runs is stopped, and only then it has ended', async (t) => {
    const server = started(t);
    server.commit({ 'a.dockercise.yaml': top });
    const id = await begin(server);
    const claimed = await claim(server);
    const { stage, attempt } = claimed.work;
    await tell(server, claimed, 1, [
      { kind: 'stage.preparing', stage: stage.name, attempt },
      { kind: 'stage.started', stage: stage.name, attempt, container: 'c' },
    ]);
    const asked = await server.dispatcher.report(id, cancelRun('eve', false));
    assert.deepEqual([asked.phase, asked.openNodes], ['running', 1]);
    const { items } = await tell(server, claimed, 0, []);
    assert.deepEqual(
      items.map((item) => item.kind === 'held' && item.cancel),
      ['stop'],
    );
    const cause = { kind: 'cancelled' } as const;
    await tell(server, claimed, 2, [{ kind: 'stage.finished', stage: stage.name, attempt, outcome: 'cancelled', cause }]);
    const state = await server.settled(id);
    assert.deepEqual([state.outcome, state.plan], ['cancelled', undefined]);
    assert.equal((await server.dispatcher.report(id, rerun('all', push))).phase, 'finished');
  });

  it('holds no place among the fetches while an image prints', async (t) => {
    const server = started(t, { fetches: 1 });
    server.commit({ 'a.dockercise.yaml': top });
    await begin(server);
    await claim(server);
    const commit = server.commit({ 'a.dockercise.yaml': 'one: { img: busybox }\n' });
    assert.deepEqual((await server.settled(await begin(server, { commit }))).plan?.nodes.length, 1);
  });

  it('runs no image to print that the policy does not let a stage run, and holds what is printed to it too', async (t) => {
    const policy = { production: true, allowRegistries: ['docker.io/acme'], privateServices: [] };
    const server = started(t, { policy });
    server.commit({ 'a.dockercise.yaml': 'meta: { subgraphs: elsewhere.example/low }\n' });
    assert.deepEqual(codes(await carried(server, await begin(server), {})), ['IMAGE_NOT_ALLOWED']);
    server.commit({ 'a.dockercise.yaml': 'meta: { subgraphs: acme/low }\n' });
    const printed = { out: 'low: { img: elsewhere.example/low }\n' };
    assert.deepEqual(codes(await carried(server, await begin(server), { 'acme/low': printed })), ['IMAGE_NOT_ALLOWED']);
  });

  it('of a fork is given nothing while it prints, and does not deploy what is printed, nor give it a secret (atk-13)', async (t) => {
    const server = started(t, { project: { settings: { ...defaultSettings, approveForks: 'never' } } });
    const scope = { pipelines: [], branches: [], environments: [], triggers: [] };
    await server.projectSecrets.put({ project: 'acme/app', name: 'TOKEN', kind: 'secret', value: 'hunter2hunter2', by: 'ada', scope });
    const fork: Trigger = { kind: 'pull-request', by: 'eve', number: 7, ref: 'refs/heads/main', fork: true };
    const low = 'low: { img: busybox }\n';
    const carriedWith = async (trigger: Trigger, out: string): Promise<RunState> =>
      carried(server, await begin(server, { trigger }), { 'acme/low': { out: `${low}${out}` } });
    server.commit({ 'a.dockercise.yaml': 'meta: { subgraphs: acme/low }\n' });
    const shipping = 'ship: { img: busybox, after: low, deploys: production }\n';
    assert.deepEqual([...((await carriedWith(fork, shipping)).only ?? [])], ['low']);
    assert.equal((await carriedWith(push, shipping)).only, undefined);
    const greedy = 'greedy: { img: busybox, env: { TOKEN: { secret: TOKEN } } }\n';
    assert.deepEqual(codes(await carriedWith(fork, greedy)), ['SECRET_MISSING']);
    assert.deepEqual(codes(await carriedWith(push, greedy)), []);
  });
});
