import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { paths } from '../../api/paths.ts';
import { failed, gateOf, passed, planOf, preparing, stageOf, startedNow } from '../dispatch/testing/served.ts';
import type { RunRequest } from '../runs/begin-run.ts';
import { ask } from '../testing/requests.ts';
import { type RunServer, runServer } from '../testing/run-server.ts';

describe('what people do with runs, over HTTP', () => {
  let server: RunServer;
  const wanted: RunRequest[] = [];
  before(async () => {
    server = await runServer({
      beginRun: async (request) => {
        wanted.push(request);
        const { run } = await server.runs.dispatcher.create({
          project: request.project,
          pipeline: request.pipeline ?? 'cion',
          trigger: request.trigger,
          ...(request.once === undefined ? {} : { once: request.once }),
        });
        return { kind: 'created', run };
      },
    });
  });
  after(() => server.close());
  const waitingAt = async (...gates: readonly ReturnType<typeof gateOf>[]) => {
    const run = await server.runs.plan(
      planOf([
        ...gates,
        stageOf(
          'deploy',
          gates.map(({ name }) => name),
        ),
      ]),
    );
    const document = await server.as('account:ada').run('acme/app', (await server.runs.state(run))?.number ?? 0);
    const openedAt = document.nodes.flatMap((node) => (node.kind === 'gate' ? [node.openedAt] : []))[0] ?? -1;
    return { run, number: document.number, digest: document.digest ?? '', openedAt };
  };

  it('begins a run by hand of a branch with slashes, a tag, a commit or the default branch, records who did it, and takes no name of what begins by itself (R-CIO-55, R-DCK-84)', async () => {
    const client = server.as('account:ada');
    const begun = await client.begin('acme/app', { branch: 'feature/a/b' });
    assert.equal(begun.kind, 'created');
    await client.begin('acme/app', { tag: 'v1', pipeline: 'deploy', target: 'live', variables: { A: 'ü\n' }, once: 'x' });
    await client.begin('acme/app', { commit: 'a'.repeat(40), stages: ['test'] });
    await client.begin('acme/app');
    const by = { kind: 'manual', by: 'ada' } as const;
    assert.deepEqual(wanted, [
      { project: 'acme/app', ref: 'refs/heads/feature/a/b', trigger: { ...by, ref: 'refs/heads/feature/a/b' } },
      {
        project: 'acme/app',
        ref: 'refs/tags/v1',
        pipeline: 'deploy',
        target: 'live',
        variables: { A: 'ü\n' },
        once: 'by-hand/x',
        trigger: { ...by, ref: 'refs/tags/v1' },
      },
      { project: 'acme/app', commit: 'a'.repeat(40), stages: ['test'], trigger: by },
      { project: 'acme/app', trigger: by },
    ]);
    const run = await client.run('acme/app', begun.number);
    assert.deepEqual([run.run, run.trigger], [begun.run, { ...by, ref: 'refs/heads/feature/a/b' }]);
    assert.equal(server.guard.notes.filter(({ action, outcome }) => action === 'run.begin' && outcome === 'done').length, 4);
    wanted.length = 0;
    for (const bad of [{ commit: 'main' }, { branch: 'a', tag: 'b' }, { stages: [] }, { variables: { 'a b': 'c' } }, { what: 1 }]) {
      const answer = await ask(server.url, paths.runs('acme/app'), { as: 'account:ada', json: bad });
      assert.deepEqual([answer.status, answer.json()['code']], [400, 'REQUEST_INVALID'], answer.text);
    }
    assert.deepEqual(wanted, []);
  });

  it('cancels a run once, by force too, and not one that has ended', async () => {
    const run = await server.runs.plan(planOf([stageOf('build')]));
    const [claimed] = await server.runs.claim();
    assert.ok(claimed);
    await server.runs.tell(claimed, 1, [preparing(claimed), startedNow(claimed)]);
    const { number = 0 } = (await server.runs.state(run)) ?? {};
    const client = server.as('account:ada');
    await client.cancel('acme/app', number);
    await client.cancel('acme/app', number);
    await client.cancel('acme/app', number, true);
    const asked = (await server.runs.events(run)).filter(({ kind }) => kind === 'run.cancel-requested');
    assert.deepEqual(
      asked.map((event) => event.kind === 'run.cancel-requested' && [event.by, event.force]),
      [
        ['ada', false],
        ['ada', true],
      ],
    );
    await server.runs.tell(claimed, 2, [{ ...failed(claimed), kind: 'stage.finished', outcome: 'cancelled' } as never]);
    await assert.rejects(client.cancel('acme/app', number), { status: 409, code: 'RUN_OVER' });
  });

  it('runs what failed again, as another attempt of the same run, and not while it goes on (R-CIO-33)', async () => {
    const run = await server.runs.plan(planOf([stageOf('build'), stageOf('test', ['build'])]));
    const { number = 0 } = (await server.runs.state(run)) ?? {};
    const client = server.as('account:ada');
    const [build] = await server.runs.claim();
    assert.ok(build);
    await assert.rejects(client.rerun('acme/app', number, 'all'), { status: 409, code: 'RUN_NOT_OVER' });
    await server.carry(build, passed(build));
    const [test] = await server.runs.claim();
    assert.ok(test);
    await server.carry(test, failed(test));
    assert.deepEqual(await client.rerun('acme/app', number, 'failed'), ['test']);
    const [again] = await server.runs.claim();
    assert.equal(again?.lease.item, `${run}/test/2`);
    await server.carry(again, passed(again));
    const document = await client.run('acme/app', number);
    assert.deepEqual([document.run, document.outcome], [run, 'passed']);
    assert.deepEqual(
      document.nodes.map((node) => node.kind === 'stage' && node.attempts.map(({ outcome }) => outcome)),
      [['passed'], ['failed', 'passed']],
    );
    assert.deepEqual(await client.rerun('acme/app', number, 'failed'), []);
    assert.deepEqual(await client.rerun('acme/app', number, 'all'), ['build', 'test']);
    for (let next = await server.runs.claim(); next.length > 0; next = await server.runs.claim()) {
      for (const each of next) await server.carry(each, passed(each));
    }
  });

  it('starts what waits for a person by the click of one who may, and says who and when (R-DCO-36)', async () => {
    const { run, number, digest, openedAt } = await waitingAt(gateOf('human-click'));
    assert.deepEqual(await server.runs.claim(), []);
    await server
      .as('account:ada')
      .decide('acme/app', number, 'human-click', { decision: 'approved', reason: 'looks good', digest, openedAt });
    const gate = (await server.as('account:eve').run('acme/app', number)).nodes[0];
    assert.deepEqual(gate?.kind === 'gate' && [gate.outcome, gate.decision?.by, gate.decision?.reason], ['passed', 'ada', 'looks good']);
    assert.ok(gate?.kind === 'gate' && Math.abs((gate.decision?.at ?? 0) - Date.now()) < 60_000);
    const [deploy] = await server.runs.claim();
    assert.equal(deploy?.lease.item, `${run}/deploy/1`);
    await server.carry(deploy, passed(deploy));
  });

  it('keeps a stage from running when its gate is refused or its time is over (R-DCO-37)', async () => {
    const refused = await waitingAt(gateOf('go'));
    const { number, digest, openedAt } = refused;
    await server.as('account:ada').decide('acme/app', number, 'go', { decision: 'rejected', digest, openedAt });
    const expired = await waitingAt(gateOf('go', [], { timeoutMs: 60_000 }));
    await server.runs.clock.advance(60_000);
    const outcomes = async (of: number) => (await server.as('account:ada').run('acme/app', of)).nodes.map(({ outcome }) => outcome);
    assert.deepEqual(await outcomes(number), ['failed', 'skipped']);
    assert.deepEqual(await outcomes(expired.number), ['failed', 'skipped']);
    const late = { decision: 'approved', digest: expired.digest, openedAt: expired.openedAt } as const;
    await assert.rejects(server.as('account:ada').decide('acme/app', expired.number, 'go', late), { status: 409 });
    assert.deepEqual(await server.runs.claim(), []);
  });

  it('takes a decision only for the plan and the opening that were seen, from those who are asked, the first alone (atk-10, atk-12)', async () => {
    const { run, number, digest, openedAt } = await waitingAt(gateOf('go', [], { waitsFor: { kind: 'person', who: ['ada', 'bob'] } }));
    server.guard.grant('mallory', 'acme/app', 'read', 'decide');
    const decide = (who: string, more: object = {}) =>
      server.as(who).decide('acme/app', number, 'go', { decision: 'approved', digest, openedAt, ...more });
    await assert.rejects(decide('account:ada', { digest: 'sha256:other' }), { status: 409, code: 'GATE_CHANGED' });
    await assert.rejects(decide('account:ada', { openedAt: openedAt - 1 }), { status: 409, code: 'GATE_CHANGED' });
    await assert.rejects(decide('account:mallory'), { status: 403, code: 'GATE_NOT_YOURS' });
    await assert.rejects(decide('account:eve'), { status: 403, code: 'FORBIDDEN' });
    await assert.rejects(decide('worker:w1'), { status: 404 });
    await assert.rejects(server.as('account:ada').decide('acme/app', number, 'deploy', { decision: 'approved', digest, openedAt }), {
      status: 404,
      code: 'GATE_UNKNOWN',
    });
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      for (const path of [
        paths.gate('acme/app', number, 'go'),
        `${paths.gate('acme/app', number, 'go')}?decision=approved&digest=${digest}&openedAt=${openedAt}`,
        paths.cancel('acme/app', number),
        paths.rerun('acme/app', number),
      ]) {
        assert.equal((await ask(server.url, path, { as: 'account:ada', method })).status, 404);
      }
    }
    assert.equal((await server.runs.outcomes(run))['go'], 'running');
    const both = await Promise.allSettled([decide('account:ada', { decision: 'rejected' }), decide('account:ada')]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    assert.equal((await server.runs.events(run)).filter(({ kind }) => kind === 'gate.decided').length, 1);
    const cancelled = (await server.runs.state(run))?.phase;
    assert.ok(cancelled === 'finished' || (await server.runs.claim()).length === 1);
  });

  it('lets no page of others make a browser act: a cookie alone is not enough, nor a form (atk-62)', async () => {
    const run = await server.runs.plan(planOf([stageOf('build')]));
    const { number = 0 } = (await server.runs.state(run)) ?? {};
    const cookie = { cookie: 'session=account:ada' };
    const targets = [
      [paths.runs('acme/app'), {}],
      [paths.cancel('acme/app', number), {}],
      [paths.rerun('acme/app', number), { which: 'all' }],
      [paths.gate('acme/app', number, 'go'), { decision: 'approved', digest: 'd', openedAt: 1 }],
    ] as const;
    const before = (await server.runs.events(run)).length;
    wanted.length = 0;
    for (const [path, json] of targets) {
      const crossSite = await ask(server.url, path, { json, headers: cookie });
      assert.deepEqual([crossSite.status, crossSite.json()['code']], [403, 'FOREIGN_REQUEST']);
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
        const form = await ask(server.url, path, {
          body: JSON.stringify(json),
          headers: { ...cookie, 'content-type': type, 'x-cion': '1' },
        });
        assert.equal(form.status, 415, form.text);
      }
      const preflight = await ask(server.url, path, {
        method: 'OPTIONS',
        headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-cion' },
      });
      assert.ok(preflight.status >= 400 && preflight.headers['access-control-allow-origin'] === undefined);
    }
    assert.equal((await server.runs.events(run)).length, before);
    assert.deepEqual(wanted, []);
    const own = await ask(server.url, paths.cancel('acme/app', number), { json: {}, headers: { ...cookie, 'x-cion': '1' } });
    assert.equal(own.status, 200, own.text);
  });

  it('refuses what needs another right than somebody has, and writes it down', async () => {
    server.guard.notes.length = 0;
    wanted.length = 0;
    for (const [as, status, code] of [
      ['account:eve', 403, 'FORBIDDEN'],
      ['account:nobody', 404, 'PROJECT_UNKNOWN'],
      ['worker:w1', 404, 'PROJECT_UNKNOWN'],
    ] as const) {
      await assert.rejects(server.as(as).begin('acme/app'), { status, code });
    }
    server.guard.public.add('acme/app');
    const anonymous = await ask(server.url, paths.runs('acme/app'), { json: {}, headers: { 'x-cion': '1' } });
    assert.deepEqual([anonymous.status, anonymous.json()['code']], [401, 'LOGIN_REQUIRED']);
    assert.deepEqual(wanted, []);
    assert.ok(server.guard.notes.some(({ actor, outcome }) => actor.kind === 'account' && actor.name === 'eve' && outcome === 'refused'));
    server.guard.public.clear();
  });
});
