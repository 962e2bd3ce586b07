import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { virtualClock } from '../../lib/virtual-clock.ts';
import type { Trigger } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Account } from '../../store/accounts.ts';
import { defaultSettings, type ProjectSettings } from '../../store/projects.ts';
import { cancelRun } from '../dispatch/requests.ts';
import { explainRun } from '../dispatch/why.ts';
import { beginning } from '../runs/testing/beginning.ts';
import { approveRun } from './approve-run.ts';
import { askAgain } from './ask-again.ts';

const url = 'https://api.forge.example';
const start = 1_800_000_000_000;
const withinMs = 5 * 86_400_000;
const build = 'build: { image: busybox, run: make }\n';

/** Ada is nobody at the forge, eve is 7 there, and the other account of the name "eve" is 8. */
const accounts = new Map<string, Account>(
  (['ada', undefined, 'eve', '7', 'evil', '8'] as const)
    .flatMap((name, i, all) => (i % 2 === 0 && name !== undefined ? [[name, all[i + 1]] as const] : []))
    .map(([name, id]) => [
      name,
      {
        id: name,
        name,
        isAdmin: false,
        isClosed: false,
        createdAt: 0,
        forges: id === undefined ? [] : [{ kind: 'github' as const, url, id, login: 'eve', token: '' }],
      },
    ]),
);

describe('a run of a fork', () => {
  const forked = (number = 1, more: Partial<Trigger & { readonly kind: 'pull-request' }> = {}): Trigger => ({
    kind: 'pull-request',
    by: 'ada',
    actor: '7',
    authors: ['7'],
    number,
    ref: 'refs/heads/main',
    fork: true,
    ...more,
  });

  const started = (t: TestContext, approveForks: ProjectSettings['approveForks'] = 'always') => {
    const clock = virtualClock({ startAt: start });
    const server = beginning(t, {
      clock,
      project: { forge: { kind: 'github', url, repository: '1' }, settings: { ...defaultSettings, approveForks } },
    });
    server.start();
    const approve = approveRun({
      dispatcher: { report: (run, facts) => server.dispatcher.report(run, facts) },
      accounts: { get: async (id) => accounts.get(id) },
      approvedAuthors: server.approvedAuthors,
      guard: { note: async (entry) => void server.notes.push(entry) },
      clock,
    });
    const rowOf = async (run: string) => {
      const [row] = await server.runs.list({ run, limit: 1 });
      assert.ok(row);
      return row;
    };
    return {
      server,
      clock,
      again: async (run: string, as = 'ada') => {
        const ask = askAgain({
          dispatcher: server.dispatcher,
          requests: server.requests,
          beginRun: server.beginRun,
          guard: { note: async (entry) => void server.notes.push(entry) },
        });
        const actor = { kind: 'account', account: as, name: as, isAdmin: false } as const;
        return ask({ actor, project: server.project, row: await rowOf(run) });
      },
      begin: async (commit: string, trigger = forked()): Promise<string> =>
        (await server.beginRun({ project: 'acme/app', commit, ref: 'refs/heads/main', trigger, once: `pull-request//${commit}` })).run,
      decide: async (run: string, commit: string, decision: 'approved' | 'rejected' = 'approved', as = 'ada', reason?: string) => {
        const actor = { kind: 'account', account: as, name: as, isAdmin: false } as const;
        const wanted = { decision, commit, ...(reason === undefined ? {} : { reason }) };
        return approve({ actor, project: server.project, row: await rowOf(run), wanted });
      },
      /** As soon as it waits. */
      waits: (run: string): Promise<RunState> => until(server, run, ({ phase }) => phase === 'waiting'),
      notes: () => server.notes.map(({ action, outcome, detail }) => [action, outcome, detail['why'] ?? ''].join(' ').trim()),
    };
  };

  const until = (server: ReturnType<typeof beginning>, run: string, isThere: (state: RunState) => boolean): Promise<RunState> => {
    const there = Promise.withResolvers<RunState>();
    const look = (state: RunState | undefined): void => {
      if (state !== undefined && isThere(state)) there.resolve(state);
    };
    const unwatch = server.dispatcher.watch(run, (_events, state) => look(state));
    void server.dispatcher.state(run).then(look, there.reject);
    return there.promise.finally(unwatch);
  };

  it('waits, fetches nothing and holds up nobody, and says for what and whom; approved, it is fetched', async (t) => {
    const { server, begin, decide, waits, notes } = started(t);
    const commit = server.commit({ '.cion.yml': build });
    const run = await begin(commit);
    const state = await waits(run);
    assert.deepEqual(state.approval, { commit, askedAt: state.approval?.askedAt, until: start + withinMs });
    const [row] = await server.runs.list({ run, limit: 1 });
    assert.deepEqual([row?.phase, state.fetch.phase, readdirSync(join(server.root, 'data', 'mirrors'))], ['waiting', 'queued', []]);
    assert.match(
      explainRun(state),
      new RegExp(`waits for approval.*${commit.slice(0, 12)}.*owner or writer of acme/app.*cion approve 1 --server`),
    );
    const trusted = await server.beginRun({ project: 'acme/app', commit, trigger: { kind: 'push', by: 'ada', ref: 'refs/heads/main' } });
    assert.notEqual((await server.settled(trusted.run)).plan, undefined);
    assert.equal((await server.dispatcher.state(run))?.phase, 'waiting');
    await decide(run, commit, 'approved', 'ada', 'looks good');
    const planned = await server.settled(run);
    assert.deepEqual(
      planned.plan?.nodes.map(({ name }) => name),
      ['build'],
    );
    assert.deepEqual(planned.approval?.decision, { kind: 'approved', by: 'ada', at: start, reason: 'looks good' });
    assert.deepEqual(notes(), ['approval.asked done', 'approval.approved done']);
    await server.stop();
    assert.deepEqual(await server.requests.pending(), []);
  });

  it('is approved for its commit alone: what is pushed next waits again, and is not approved by what was said before (atk-10, atk-11)', async (t) => {
    const { server, begin, decide, waits, notes } = started(t);
    const first = server.commit({ '.cion.yml': build });
    const one = await begin(first);
    await waits(one);
    await decide(one, first);
    await server.settled(one);
    const second = server.commit({ '.cion.yml': 'steal: { image: busybox, run: steal }\n' });
    const other = await begin(second);
    assert.notEqual(other, one);
    await waits(other);
    await assert.rejects(decide(other, first), { code: 'APPROVAL_CHANGED' });
    await assert.rejects(decide(one, first), { code: 'APPROVAL_CLOSED' });
    await assert.rejects(decide(one, second), { code: 'APPROVAL_CLOSED' });
    assert.equal(await begin(first), one, 'the same commit is the same run');
    const third = await begin(second, forked(2));
    assert.equal(third, other, 'the same commit of another pull request is the same run, and waits as it did');
    assert.equal((await server.dispatcher.state(other))?.phase, 'waiting');
    assert.deepEqual(
      notes().filter((note) => note.includes('refused')),
      [
        'approval.approved refused APPROVAL_CHANGED',
        'approval.approved refused APPROVAL_CLOSED',
        'approval.approved refused APPROVAL_CLOSED',
      ],
    );
  });

  it('runs what was approved also when the branch of the fork has moved before it was fetched (atk-10)', async (t) => {
    const { server, begin, decide, waits } = started(t);
    const first = server.commit({ '.cion.yml': build });
    const run = await begin(first);
    await waits(run);
    server.commit({ '.cion.yml': 'steal: { image: busybox, run: steal }\n' });
    await decide(run, first);
    const state = await server.settled(run);
    assert.deepEqual([state.fetch.source?.commit, state.plan?.nodes.map(({ name }) => name)], [first, ['build']]);
  });

  it('is not approved by those whose change it is, by their numbers at the forge and not their names; they may say no (atk-11, atk-04)', async (t) => {
    const { server, begin, decide, waits, notes } = started(t);
    const commit = server.commit({ '.cion.yml': build });
    const run = await begin(commit, forked(1, { by: 'evil', actor: '9', authors: ['9', '7'] }));
    await waits(run);
    await assert.rejects(decide(run, commit, 'approved', 'eve'), { code: 'APPROVAL_OWN', statusCode: 403 });
    assert.equal((await server.dispatcher.state(run))?.phase, 'waiting');
    assert.ok(notes().includes('approval.approved refused APPROVAL_OWN'));
    await decide(run, commit, 'approved', 'evil');
    assert.notEqual((await server.settled(run)).plan, undefined);
    const next = server.commit({ a: '' });
    const own = await begin(next);
    await waits(own);
    await decide(own, next, 'rejected', 'eve');
    assert.equal((await server.settled(own)).outcome, 'cancelled');
  });

  it('that is rejected, or whose time is over, ends cancelled and says so, and nothing of it is fetched; no approval comes later (atk-12)', async (t) => {
    const { server, clock, begin, decide, waits, notes } = started(t);
    const [first, second] = [server.commit({ '.cion.yml': build }), server.commit({ a: '' })];
    const [refused, late] = [await begin(first), await begin(second)];
    await Promise.all([waits(refused), waits(late)]);
    await decide(refused, first, 'rejected', 'ada', 'no thanks');
    const no = await server.settled(refused);
    assert.deepEqual(
      [no.outcome, explainRun(no)],
      ['cancelled', 'It was rejected by ada and has ended: cancelled (no thanks). "cion rerun 1 --server" asks anew.'],
    );
    await clock.advance(withinMs - 1);
    assert.equal((await server.dispatcher.state(late))?.phase, 'waiting');
    await clock.advance(1);
    const over = await until(server, late, ({ phase }) => phase === 'finished');
    assert.deepEqual([over.outcome, over.approval?.decision?.kind], ['cancelled', 'expired']);
    assert.equal(explainRun(over), 'Nobody approved it in time, and it has ended: cancelled. "cion rerun 2 --server" asks anew.');
    for (const [run, commit] of [
      [refused, first],
      [late, second],
    ] as const) {
      await assert.rejects(decide(run, commit), { code: 'APPROVAL_CLOSED' });
      assert.equal((await server.dispatcher.state(run))?.plan, undefined);
    }
    assert.deepEqual(readdirSync(join(server.root, 'data', 'mirrors')), []);
    await server.stop();
    assert.deepEqual(await server.requests.pending(), []);
    assert.deepEqual(
      notes().filter((note) => !note.includes('asked')),
      [
        'approval.rejected done',
        'approval.expired done',
        'approval.approved refused APPROVAL_CLOSED',
        'approval.approved refused APPROVAL_CLOSED',
      ],
    );
  });

  it('that was not let begin is asked about again by another run of its commit, once for each, as untrusted and of the same authors (atk-10, atk-11)', async (t) => {
    const { server, clock, begin, decide, again, waits, notes } = started(t);
    const commit = server.commit({ '.cion.yml': build });
    const first = await begin(commit);
    await waits(first);
    await assert.rejects(again(first), { code: 'APPROVAL_AGAIN' });
    await decide(first, commit, 'rejected');
    await server.settled(first);
    assert.equal(await begin(commit), first, 'a delivery that comes again asks nothing');
    const [one, other] = await Promise.all([again(first), again(first, 'evil')]);
    assert.equal(one.run, other.run);
    const second = await waits(one.run);
    assert.deepEqual([second.approval?.commit, second.trigger, second.number], [commit, forked(), 2]);
    await assert.rejects(decide(one.run, commit, 'approved', 'eve'), { code: 'APPROVAL_OWN' });
    await clock.advance(withinMs);
    await until(server, one.run, ({ phase }) => phase === 'finished');
    const { run } = await again(one.run);
    await waits(run);
    await decide(run, commit);
    assert.notEqual((await server.settled(run)).plan, undefined);
    await assert.rejects(again(run), { code: 'APPROVAL_AGAIN' });
    assert.equal((await server.dispatcher.state(first))?.approval?.decision?.kind, 'rejected');
    assert.equal(notes().filter((note) => note === 'approval.again done').length, 3);
    const trusted = await server.beginRun({ project: 'acme/app', commit, trigger: { kind: 'push', by: 'ada', ref: 'refs/heads/main' } });
    await server.settled(trusted.run);
    await assert.rejects(again(trusted.run), { code: 'APPROVAL_AGAIN' });
  });

  it('whose time is over is not approved in the moment before that is noted (atk-12)', async (t) => {
    const { server, begin, waits } = started(t);
    const commit = server.commit({ '.cion.yml': build });
    const run = await begin(commit);
    const { until: end = 0 } = (await waits(run)).approval ?? {};
    const [row] = await server.runs.list({ run, limit: 1 });
    assert.ok(row);
    const late = approveRun({
      dispatcher: server.dispatcher,
      accounts: { get: async () => undefined },
      approvedAuthors: server.approvedAuthors,
      guard: { note: async () => undefined },
      clock: { now: () => end },
    });
    const actor = { kind: 'account', account: 'ada', name: 'ada', isAdmin: false } as const;
    await assert.rejects(late({ actor, project: server.project, row, wanted: { decision: 'approved', commit } }), {
      code: 'APPROVAL_CLOSED',
    });
    assert.equal((await server.dispatcher.state(run))?.phase, 'waiting');
  });

  it('that is approved and cancelled at once is one of both: cancelled, it does not run (atk-12, atk-76)', async (t) => {
    const { server, begin, decide, waits } = started(t);
    const commits = [1, 2].map((n) => server.commit({ '.cion.yml': build, n: String(n) }));
    for (const [i, commit] of commits.entries()) {
      const run = await begin(commit);
      await waits(run);
      const cancel = () => server.dispatcher.report(run, cancelRun('eve', false));
      const approve = () => decide(run, commit);
      const both = await Promise.allSettled(i === 0 ? [cancel(), approve()] : [approve(), cancel()]);
      const state = await server.settled(run);
      assert.deepEqual([state.outcome, state.plan], ['cancelled', undefined]);
      assert.equal(both[i]?.status, 'fulfilled', 'a cancel is always taken');
      await assert.rejects(decide(run, commit), { code: 'APPROVAL_CLOSED' });
    }
  });

  it('is decided once, however many say something at the same time', async (t) => {
    const { server, begin, decide, waits } = started(t);
    const commit = server.commit({ '.cion.yml': build });
    const run = await begin(commit);
    await waits(run);
    const all = await Promise.allSettled([decide(run, commit, 'rejected'), decide(run, commit), decide(run, commit, 'approved', 'evil')]);
    assert.deepEqual(
      all.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'],
    );
    const events = await server.runs.events(run, 0);
    assert.equal(events.filter(({ kind }) => kind === 'approval.decided').length, 1);
    assert.equal((await server.settled(run)).outcome, 'cancelled');
  });

  it('waits on over a restart, is approved after it, and ends in time when it comes', async (t) => {
    const { server, clock, begin, decide, waits } = started(t);
    const [first, second] = [server.commit({ '.cion.yml': build }), server.commit({ a: '' })];
    const [one, late] = [await begin(first), await begin(second)];
    await Promise.all([waits(one), waits(late)]);
    await server.restart();
    await decide(one, first);
    assert.notEqual((await server.settled(one)).plan, undefined);
    assert.equal((await server.dispatcher.state(late))?.phase, 'waiting');
    await server.stop();
    await clock.advance(withinMs);
    await server.restart();
    await clock.advance(0);
    const over = await until(server, late, ({ phase }) => phase === 'finished');
    assert.equal(over.approval?.decision?.kind, 'expired');
    const asked = (await server.runs.events(one, 0)).filter(({ kind }) => kind === 'approval.asked');
    assert.equal(asked.length, 1);
  });

  it('begins without asking where the project chose so: never, or for those who were approved once', async (t) => {
    const never = started(t, 'never');
    const commit = never.server.commit({ '.cion.yml': build });
    const run = await never.begin(commit);
    assert.deepEqual([(await never.server.settled(run)).approval, never.notes()], [undefined, []]);
    const { server, begin, decide, waits } = started(t, 'first-time');
    const first = server.commit({ '.cion.yml': build });
    const one = await begin(first);
    await waits(one);
    await decide(one, first);
    await server.settled(one);
    const next = await begin(server.commit({ a: '' }));
    assert.equal((await server.settled(next)).approval, undefined);
    const strange = await begin(server.commit({ b: '' }), forked(3, { authors: ['8'], actor: '8' }));
    assert.notEqual((await waits(strange)).approval, undefined);
    const pushedByOther = await begin(server.commit({ c: '' }), forked(1, { authors: ['7', '8'], actor: '8' }));
    assert.notEqual((await waits(pushedByOther)).approval, undefined);
  });
});
