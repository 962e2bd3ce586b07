import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApiError } from '../../api/api-error.ts';
import type { LeaseBytes } from '../../api/worker-bytes.ts';
import { workerClient } from '../../api/worker-client.ts';
import type { Claimed, WorkerFact } from '../../api/worker-protocol.ts';
import { passed, planOf, preparing, stageOf, startedNow } from '../dispatch/testing/served.ts';
import { finishedSummary, type RunServer, runServer } from '../testing/run-server.ts';

const never = new AbortController().signal;
let server: RunServer;
before(async () => {
  server = await runServer();
});
after(() => server.close());

const worker = (name: string) => {
  const { api, bytes } = workerClient({ url: server.url, token: `worker:${name}` });
  return {
    bytes,
    /** Waits of the dispatcher end when its clock is told to go on. */
    claim: async (fresh = false): Promise<readonly Claimed[]> => {
      const asked = Promise.withResolvers<void>();
      const answer = api.claim({ worker: name, labels: [], slots: 1, waitMs: 1000, fresh }, never).finally(() => asked.resolve());
      let isOver = false;
      void asked.promise.then(() => (isOver = true));
      while (!isOver) {
        await server.runs.clock.advance(isOver ? 0 : 1);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return (await answer).claimed;
    },
    tell: async ({ lease }: Claimed, sequence: number, facts: readonly WorkerFact[]) => {
      const items = [{ item: lease.item, token: lease.token, sequence, facts }];
      return (await api.report({ worker: name, waitMs: 0, items }, never)).items[0]?.kind;
    },
  };
};

const isLost = ({ cause }: Error): boolean => cause instanceof ApiError && cause.code === 'LEASE_LOST';

const writeLog = async (bytes: LeaseBytes, { work }: Claimed, text: string) => {
  const log = await bytes.results.begin({ run: work.run, stage: work.stage.name, attempt: work.attempt }, 1000);
  await log.append({ stream: 'stdout', bytes: Buffer.from(text), at: 1000 });
  return log;
};

test('a worker carries a run through by HTTP alone; what it sends of an attempt after its end is refused (atk-16)', async () => {
  const run = await server.runs.plan(planOf([stageOf('build'), stageOf('test', ['build'])]));
  const one = worker('one');
  for (const name of ['build', 'test']) {
    const [claimed] = await one.claim();
    assert.ok(claimed);
    assert.equal(claimed.lease.item, `${run}/${name}/1`);
    assert.equal(await one.tell(claimed, 1, [preparing(claimed), startedNow(claimed)]), 'held');
    const bytes = one.bytes(claimed.lease);
    const log = await writeLog(bytes, claimed, `${name} done`);
    await log.close();
    await bytes.results.finish({ run, stage: name, attempt: 1 }, finishedSummary);
    assert.equal(await one.tell(claimed, 2, [passed(claimed)]), 'held');
    await assert.rejects(bytes.results.begin({ run, stage: name, attempt: 1 }, 1), isLost);
  }
  const client = server.as('account:ada');
  assert.equal((await client.runs('acme/app')).runs[0]?.outcome, 'passed');
  assert.equal(await (await client.log('acme/app', 1, 'test')).text(), 'test done');
});

test('a worker that slept through its lease can neither tell nor send anything about what another has by now (atk-16)', async () => {
  const run = await server.runs.plan(planOf([stageOf('deploy')]));
  const [zombie, heir] = [worker('zombie'), worker('heir')];
  const [slept] = await zombie.claim();
  assert.ok(slept);
  const old = await writeLog(zombie.bytes(slept.lease), slept, 'before ');
  await server.runs.clock.advance(slept.lease.leaseMs + 1);
  const [taken] = await heir.claim();
  assert.ok(taken);
  assert.equal(taken.lease.item, slept.lease.item);
  assert.equal(await zombie.tell(slept, 1, [preparing(slept), startedNow(slept)]), 'lost');
  await assert.rejects(old.append({ stream: 'stdout', bytes: Buffer.from('zombie'), at: 2000 }), isLost);
  await heir.tell(taken, 1, [preparing(taken), startedNow(taken)]);
  const log = await writeLog(heir.bytes(taken.lease), taken, 'after');
  await log.close();
  await heir.tell(taken, 2, [passed(taken)]);
  const { number = 0 } = (await server.runs.state(run)) ?? {};
  assert.equal(await (await server.as('account:ada').log('acme/app', number, 'deploy')).text(), 'before after');
});
