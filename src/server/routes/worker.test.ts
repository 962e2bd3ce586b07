import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inProcessAgent } from '../../api/in-process-agent.ts';
import { workerClient } from '../../api/worker-client.ts';
import type { Claimed, ClaimRequest, ReportRequest } from '../../api/worker-protocol.ts';
import { longestWaitMs, protocolHeader, workerPaths } from '../../api/worker-wire.ts';
import { stage, reference } from '../../plan/stage.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import { ask } from '../testing/requests.ts';
import { type TestServer, testServer } from '../testing/test-server.ts';

const claimed: Claimed = {
  lease: { item: 'run_1/build/1', token: 7, leaseMs: 15_000, graceMs: 60_000 },
  work: {
    run: 'run_1',
    project: 'a/b',
    attempt: 1,
    stage: stage({ name: 'build', image: reference('alpine:3') }),
  },
  number: 3,
  volumes: { source: { kind: 'tree', digest: 'sha256:00' } },
  outputs: {},
  outside: { variables: { A: '1' }, secrets: { KEY: 'k\n' }, encrypted: {} },
  redact: ['k\n'],
  isAsked: false,
  isMounted: true,
  keep: ['out'],
  cancel: 'no',
};
const wanted: ClaimRequest = { worker: 'one', labels: ['amd64'], slots: 2, waitMs: 1000, fresh: true };
const never = new AbortController().signal;

let server: TestServer;
let seen: unknown[] = [];
let answering: Dispatcher['claim'] = async () => ({ claimed: [claimed] });
before(async () => {
  server = await testServer({
    dispatcher: {
      claim: (request: ClaimRequest, signal: AbortSignal) => {
        seen.push(request);
        return answering(request, signal);
      },
      report: (async (request: ReportRequest) => {
        seen.push(request);
        return { items: request.items.map(({ item }) => ({ item, kind: 'held', cancel: 'stop' })) };
      }) as unknown as Dispatcher['report'],
      create: () => Promise.reject(new Error('unused')),
      policyChanged: async () => {},
      state: async () => undefined,
      watch: () => () => {},
      start: async () => {},
    },
  });
});
after(() => server.close());

for (const way of ['over a socket', 'in the process of the server']) {
  test(`a worker claims and reports ${way}: what it is given comes whole, what it tells arrives whole`, async () => {
    seen = [];
    const agent = way === 'over a socket' ? undefined : inProcessAgent(server.app.server);
    const { api } = workerClient({ url: server.url, token: 'worker:one', ...(agent === undefined ? {} : { agent }) });
    assert.deepEqual(await api.claim({ ...wanted, keeps: ['run_0'] }, never), { claimed: [claimed] });
    const facts: ReportRequest['items'][number]['facts'] = [
      { kind: 'stage.preparing', stage: 'build', attempt: 1, worker: 'one' },
      { kind: 'image.resolved', stage: 'build', attempt: 1, reference: 'alpine:3', digest: 'sha256:1', pulled: true },
      { kind: 'stage.started', stage: 'build', attempt: 1, container: 'c' },
      { kind: 'step.started', stage: 'build', attempt: 1, step: 's', log: { stdout: 1, stderr: 2 } },
      { kind: 'step.finished', stage: 'build', attempt: 1, step: 's', outcome: 'failed', exitCode: 3, numbers: { n: '1' } },
      { kind: 'stage.noted', stage: 'build', attempt: 1, text: 'pushed', aside: true },
      { kind: 'volume.kept', stage: 'build', attempt: 1, volume: 'v', tree: '2'.repeat(64), bytes: 10 },
      {
        kind: 'stage.done-started',
        stage: 'build',
        attempt: 1,
        container: 'd',
        output: { bytes: 1, digest: 'sha256:3' },
      },
      {
        kind: 'stage.finished',
        stage: 'build',
        attempt: 1,
        outcome: 'failed',
        cause: { kind: 'exit', code: 3, step: { id: 's', name: 'S' } },
        artifacts: { key: 'build.zip', bytes: 9, files: [{ path: 'a', bytes: 1, mode: 0o644, digest: 'sha256:4' }] },
        tree: { volume: 'v', directory: 'd' },
      },
    ];
    const report: ReportRequest = { worker: 'one', waitMs: 0, items: [{ item: 'run_1/build/1', token: 7, sequence: 1, facts }] };
    assert.deepEqual(await api.report(report, never), { items: [{ item: 'run_1/build/1', kind: 'held', cancel: 'stop' }] });
    assert.deepEqual(seen, [{ ...wanted, keeps: ['run_0'] }, report]);
    agent?.destroy();
  });
}

test('a claim that waits is ended on the server when the worker goes away, and waits no longer than connections live', async () => {
  seen = [];
  const [waits, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  answering = (_request, signal) => {
    waits.resolve();
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        gone.resolve();
        reject(signal.reason);
      });
    });
  };
  const leaving = new AbortController();
  const claim = workerClient({ url: server.url, token: 'worker:one' }).api.claim({ ...wanted, waitMs: 1e9 }, leaving.signal);
  await waits.promise;
  leaving.abort();
  await assert.rejects(claim);
  await gone.promise;
  assert.deepEqual(seen, [{ ...wanted, waitMs: longestWaitMs }]);
});

test('no one but a worker claims or reports, and none in the name of another (atk-15)', async () => {
  seen = [];
  for (const as of [undefined, 'account:ada', 'admin:root', 'nonsense']) {
    for (const path of ['/api/worker/claim', '/api/worker/report']) {
      const answer = await ask(server.url, path, { json: wanted, ...(as === undefined ? {} : { as }) });
      assert.equal(answer.status, 401, `${as} ${answer.text}`);
    }
  }
  const { api } = workerClient({ url: server.url, token: 'worker:two' });
  await assert.rejects(api.claim(wanted, never), { status: 403, code: 'WORKER_MISMATCH' });
  await assert.rejects(api.report({ worker: 'one', waitMs: 0, items: [] }, never), { status: 403, code: 'WORKER_MISMATCH' });
  assert.deepEqual(seen, []);
  assert.deepEqual(
    server.guard.notes.map(({ actor, action, outcome }) => [actor.kind === 'worker' && actor.worker, action, outcome]),
    [
      ['two', 'worker.claim', 'refused'],
      ['two', 'worker.report', 'refused'],
    ],
  );
});

test('a worker of another protocol is refused on each of its ways, and told which of the two is to be upgraded', async () => {
  seen = [];
  const { claim, report, log } = workerPaths;
  for (const [said, hint] of [
    ['2', /^Upgrade the server first/],
    ['0', /^Upgrade this worker/],
    ['', /^Upgrade this worker/],
    ['one', /^Upgrade this worker/],
  ] as const) {
    for (const path of [claim, report, log]) {
      const answer = await ask(server.url, path, { as: 'worker:one', headers: { [protocolHeader]: said }, json: wanted });
      assert.equal(answer.status, 403, answer.text);
      assert.equal(answer.json()['code'], 'WORKER_PROTOCOL');
      assert.match(String(answer.json()['hint']), hint);
    }
  }
  assert.deepEqual(seen, []);
});

test('facts about another stage or attempt than the item, of a kind that is not a worker’s, or too large, are refused (atk-16, atk-17)', async () => {
  seen = [];
  const { api } = workerClient({ url: server.url, token: 'worker:one' });
  const told = (fact: object) =>
    api.report({ worker: 'one', waitMs: 0, items: [{ item: 'run_1/build/1', token: 7, sequence: 1, facts: [fact as never] }] }, never);
  const started = { kind: 'stage.started', stage: 'build', attempt: 1, container: 'c' };
  await assert.rejects(told({ ...started, stage: 'deploy' }), { status: 400, code: 'FACT_OF_ANOTHER' });
  await assert.rejects(told({ ...started, attempt: 2 }), { status: 400, code: 'FACT_OF_ANOTHER' });
  await assert.rejects(told({ kind: 'run.finished', outcome: 'passed' }), { status: 400, code: 'REQUEST_INVALID' });
  await assert.rejects(told({ kind: 'gate.decided', stage: 'build', attempt: 1, gate: 'g' }), { status: 400, code: 'REQUEST_INVALID' });
  await assert.rejects(told({ ...started, container: 'c'.repeat(5000) }), { status: 400, code: 'REQUEST_INVALID' });
  await assert.rejects(told({ ...started, kind: 'stage.noted', text: 'x'.repeat(40 * 1024 * 1024) }));
  assert.deepEqual(seen, []);
});
