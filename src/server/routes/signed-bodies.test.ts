import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { workerClient } from '../../api/worker-client.ts';
import { partsOfToken, tokenOfParts } from '../../api/worker-signing.ts';
import { workerPaths } from '../../api/worker-wire.ts';
import type { Claimed, WorkerFact } from '../../api/worker-protocol.ts';
import { workerKeysOf } from '../../secrets/worker-keys.ts';
import { alteringProxy, replacing } from '../../worker/testing/altering-proxy.ts';
import { newBearer } from '../auth/bearer.ts';
import { planOf, preparing, stageOf, startedNow } from '../dispatch/testing/served.ts';
import { ask } from '../testing/requests.ts';
import { type RunServer, runServer } from '../testing/run-server.ts';

const never = new AbortController().signal;
const serverKeys = [randomBytes(32), randomBytes(32)] as const;
const keysOf = workerKeysOf(serverKeys);
const bearers = new Map<string, string>();
let server: RunServer;
let between: Awaited<ReturnType<typeof alteringProxy>>;

before(async () => {
  server = await runServer({
    actorOf: async ({ headers }) => {
      const worker = bearers.get(/^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1] ?? '');
      return worker === undefined ? { kind: 'anonymous' } : { kind: 'worker', worker };
    },
    workerKeys: ({ headers }) => keysOf((headers.authorization ?? '').replace('Bearer ', '')),
  });
  between = await alteringProxy(server.url);
});
after(async () => {
  await between.close();
  await server.close();
});
afterEach(() => {
  between.alter({});
  between.seen.length = 0;
  server.guard.notes.length = 0;
});

let workers = 0;
const newWorker = (keys = keysOf) => {
  const name = `w${++workers}`;
  const bearer = newBearer('worker');
  bearers.set(bearer, name);
  const token = tokenOfParts(bearer, keys(bearer)[0]);
  const { api } = workerClient({ url: between.url, token });
  return {
    name,
    token,
    claim: async (): Promise<readonly Claimed[]> =>
      (await api.claim({ worker: name, labels: [], slots: 1, waitMs: 0, fresh: true }, never)).claimed,
    hello: () => api.report({ worker: name, waitMs: 0, items: [] }, never),
    tell: async ({ lease }: Claimed, sequence: number, facts: readonly WorkerFact[]) =>
      (await api.report({ worker: name, waitMs: 0, items: [{ item: lease.item, token: lease.token, sequence, facts }] }, never)).items[0]
        ?.kind,
  };
};
const notes = () => server.guard.notes.map(({ actor, action, outcome, detail }) => ({ actor, action, outcome, detail }));

test('what a worker is given cannot be altered on the way, by not one byte: it takes nothing of it and tells the server, which has it in the audit (atk-18)', async () => {
  const run = await server.runs.plan(planOf([{ ...stageOf('deploy'), command: { kind: 'shell', script: 'deploy shop' } as never }]));
  const worker = newWorker();
  between.alter({ answer: replacing(workerPaths.claim, 'deploy shop', 'deploy evil') });
  await assert.rejects(worker.claim(), { code: 'ANSWER_ALTERED' });
  between.alter({ answer: replacing(workerPaths.claim, '"token":', '"token" :') });
  await assert.rejects(worker.claim(), { code: 'ANSWER_ALTERED' });
  assert.deepEqual(notes().slice(1), []);
  between.alter({});
  const [claimed] = await worker.claim();
  assert.equal(claimed?.work.run, run);
  assert.match(JSON.stringify(claimed), /deploy shop/);
  const actor = { kind: 'worker', worker: worker.name };
  const altered = (times: string) => ({
    actor,
    action: 'worker.altered',
    outcome: 'refused',
    detail: { route: workerPaths.claim, what: 'answer', times },
  });
  assert.deepEqual(notes(), [altered('1'), altered('2')]);
  await worker.claim();
  assert.equal(notes().length, 2);
});

test('what a worker tells cannot be altered on the way: nothing of it is taken, and it is in the audit (atk-18)', async () => {
  const run = await server.runs.plan(planOf([stageOf('test')]));
  const worker = newWorker();
  const [claimed] = await worker.claim();
  assert.ok(claimed);
  assert.equal(await worker.tell(claimed, 1, [preparing(claimed), startedNow(claimed)]), 'held');
  const { stage, attempt } = { stage: claimed.work.stage.name, attempt: claimed.work.attempt };
  const failed: WorkerFact = { kind: 'stage.finished', stage, attempt, outcome: 'failed', cause: { kind: 'exit', code: 1 } };
  between.alter({ request: replacing(workerPaths.report, '"failed"', '"passed"') });
  await assert.rejects(worker.tell(claimed, 2, [failed]), { status: 403, code: 'REQUEST_ALTERED' });
  assert.equal((await server.runs.state(run))?.phase, 'running');
  assert.deepEqual(notes(), [
    {
      actor: { kind: 'worker', worker: worker.name },
      action: 'worker.altered',
      outcome: 'refused',
      detail: { route: workerPaths.report, what: 'request' },
    },
  ]);
  between.alter({});
  assert.equal(await worker.tell(claimed, 2, [failed]), 'held');
  assert.equal((await server.runs.state(run))?.outcome, 'failed');
});

test('an answer of before, one of another route, one without a signature and one that somebody signed otherwise are not taken (atk-18)', async () => {
  const worker = newWorker();
  let recorded: { readonly body: Buffer; readonly signature: string | string[] | undefined } | undefined;
  await server.runs.plan(planOf([stageOf('build')]));
  between.alter({
    answer: ({ body, headers }) => {
      recorded = { body, signature: headers['cion-signature'] };
      return body;
    },
  });
  assert.equal((await worker.claim()).length, 1);
  assert.ok(recorded);
  const { body, signature } = recorded;
  for (const forged of [signature, '', undefined, 'A'.repeat(43)]) {
    between.alter({
      answer: ({ headers }) => {
        delete headers['cion-signature'];
        if (forged !== undefined) headers['cion-signature'] = forged;
        return body;
      },
    });
    await assert.rejects(worker.claim(), { code: 'ANSWER_ALTERED' });
  }
});

test('who reads along has the bearer and not the key: with the bearer alone nothing is claimed and nothing told (atk-18)', async () => {
  const worker = newWorker();
  await worker.hello();
  const { bearer, key } = partsOfToken(worker.token);
  assert.ok(key);
  const seen = between.seen.map(({ path, headers, body }) => `${path} ${JSON.stringify(headers)} ${body.toString()}`).join('\n');
  assert.match(seen, new RegExp(bearer));
  assert.doesNotMatch(seen, new RegExp(Buffer.from(key).toString('base64url').replaceAll('-', '\\-')));
  const claim = { worker: worker.name, labels: [], slots: 1, waitMs: 0, fresh: true };
  const report = { worker: worker.name, waitMs: 0, items: [] };
  for (const headers of [{}, { 'cion-nonce': 'n', 'cion-altered': '0', 'cion-signature': 'A'.repeat(43) }]) {
    for (const [path, json] of [[workerPaths.claim, claim] as const, [workerPaths.report, report] as const]) {
      const answer = await ask(server.url, path, { as: bearer, json, headers });
      assert.deepEqual([answer.status, answer.json().code], [403, 'REQUEST_ALTERED']);
    }
  }
  assert.equal(notes().length, 4);
});

test('a worker’s token that was made with an older key of the server works on, one that was made with none of its keys does not (atk-18)', async () => {
  await newWorker(workerKeysOf([serverKeys[1]])).hello();
  await assert.rejects(newWorker(workerKeysOf([randomBytes(32)])).hello(), { status: 403, code: 'REQUEST_ALTERED' });
});
