import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { sql } from 'kysely';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Subscription } from '../../store/notifications.ts';
import { sqlMarks } from '../../store/sql/marks.ts';
import { failed, gateOf, passed, planOf, plannedFacts, preparing, served, stageOf, startedNow } from '../dispatch/testing/served.ts';
import { allowedAddresses } from '../outgoing/allowed-addresses.ts';
import { outgoing } from '../outgoing/outgoing.ts';
import { type WebAnswer, webServer } from '../outgoing/testing/web-server.ts';
import { followRuns } from '../runs/follow-runs.ts';
import { untilIdle } from '../testing/until-idle.ts';
import { deliver } from './deliver.ts';
import { sendMail } from './mail-server.ts';
import { postOffice } from './post-office.ts';
import { everything, letterStore } from './testing/letter-store.ts';
import { smtpServer } from './testing/smtp-server.ts';
import { writeLetters } from './write-letters.ts';

const store = letterStore();
const minute = 60_000;

/** A server with a real dispatcher whose parts are started and die as a test wants it. */
const server = async (options: { readonly mailPort?: number; readonly allowed?: readonly string[]; readonly secret?: string } = {}) => {
  const it = served();
  await it.start();
  const failures: unknown[] = [];
  const failing = (error: unknown): void => void failures.push(error);
  const follower = (clock: Clock) =>
    followRuns(
      { dispatcher: it.dispatcher, runs: it.store.runs, marks: sqlMarks(store.database), clock, failed: failing },
      writeLetters({
        ...store,
        cleaner: async () => {
          if (options.secret === 'unknown') throw new Error('its secrets are not known');
          return (text) => text.replaceAll(options.secret ?? '\0', '***');
        },
        clock,
        written: () => undefined,
      }),
    );
  const office = (clock: Clock) =>
    postOffice({
      ...store,
      deliver: deliver({
        send: outgoing({ allowed: allowedAddresses(options.allowed ?? ['127.0.0.1']), clock: systemClock }),
        clock,
        ...(options.mailPort === undefined
          ? {}
          : {
              sendMail: sendMail({
                host: '127.0.0.1',
                port: options.mailPort,
                security: 'none',
                login: { user: 'ci', password: 'of the mail' },
                from: 'cion <ci@example.org>',
              }),
            }),
      }),
      clock,
      failed: failing,
    });
  const now = it.clock.now();
  return {
    ...it,
    failures,
    now,
    /** Writes the letters that there are to write. */
    write: () => untilIdle(now, follower),
    /** Sends what can be sent at a time. */
    send: async (at = now) => {
      const known = failures.length;
      const idle = Promise.withResolvers<void>();
      const look = async (): Promise<void> => {
        if (failures.length > known || (await store.outbox.due(at, 1)).length === 0) idle.resolve();
      };
      const clock: Clock = {
        now: () => at,
        after: () => {
          look().catch(idle.reject);
          return () => undefined;
        },
      };
      const going = new AbortController();
      const ended = office(clock).start(going.signal);
      await idle.promise;
      going.abort();
      await ended;
    },
    run: async (plan: Plan = planOf([stageOf('only')]), how: 'passed' | 'failed' = 'passed', project = 'acme/app') => {
      const run = await it.plan(plan, { project });
      for (const claimed of await it.claim()) {
        await it.tell(claimed, 1, [preparing(claimed), startedNow(claimed), how === 'passed' ? passed(claimed) : failed(claimed)]);
      }
      return run;
    },
  };
};

test('each result of a build is told once over HTTP, signed, whatever restarts in between (R-WRK-69)', async (t) => {
  const receiver = await webServer(t, () => ({ status: 204 }));
  const it = await server();
  await store.subscribe({ way: 'http', url: `${receiver.url}hook?key=1`, secret: 'the secret' });
  await it.write();
  const green = await it.run();
  const red = await it.run(planOf([stageOf('test')]), 'failed');
  for (let n = 0; n < 3; n++) {
    await it.write();
    await it.send();
  }
  const told = receiver.requests.map(({ body }) => JSON.parse(body) as { run: string; outcome: string; notPassed: unknown });
  assert.equal(told.length, 2);
  assert.deepEqual(
    new Map(told.map(({ run, outcome, notPassed }) => [run, [outcome, notPassed]])),
    new Map<string, unknown>([
      [green, ['passed', []]],
      [red, ['failed', [{ stage: 'test', outcome: 'failed', why: 'exit code 1' }]]],
    ]),
  );
  for (const { method, path, headers, body } of receiver.requests) {
    assert.deepEqual([method, path, headers['x-cion-event']], ['POST', '/hook?key=1', 'run.finished']);
    const signature = createHmac('sha256', 'the secret')
      .update(`${String(headers['x-cion-timestamp'])}.${body}`)
      .digest('hex');
    assert.equal(headers['x-cion-signature-256'], `sha256=${signature}`);
  }

  await it.dispatcher.report(red, () => [{ kind: 'run.rerun', stages: ['test'], trigger: { kind: 'manual', by: 'eve' } }]);
  const [again] = await it.claim();
  assert.ok(again);
  await it.clock.advance(1);
  await it.tell(again, 1, [preparing(again), startedNow(again), passed(again)]);
  await it.write();
  await it.send(it.clock.now());
  const [, , third, ...more] = receiver.requests;
  assert.equal(more.length, 0);
  assert.equal((JSON.parse(third?.body ?? '') as { outcome: string }).outcome, 'passed');
});

test('a gate that waits for a person is told while it waits; other gates are not', async (t) => {
  const receiver = await webServer(t, () => ({ status: 200 }));
  const it = await server();
  await store.subscribe({ way: 'http', url: receiver.url, secret: 's' }, { wants: { ...everything, results: false } });
  await it.write();
  const run = await it.run(
    planOf([
      stageOf('build'),
      gateOf('approve', ['build'], { waitsFor: { kind: 'person', who: ['ada'] } }),
      gateOf('upstream', ['build'], { waitsFor: { kind: 'pipeline', pipeline: 'other' } }),
    ]),
  );
  await it.write();
  await it.send();
  assert.deepEqual(
    receiver.requests.map(({ body }) => JSON.parse(body) as object).map((told) => ({ ...told, id: '' })),
    [
      {
        id: '',
        event: 'gate.opened',
        project: 'acme/app',
        pipeline: 'cion',
        run,
        number: 1,
        at: it.now,
        trigger: 'manual',
        commit: 'c0ffee',
        branch: 'main',
        gate: 'approve',
        who: ['ada'],
      },
    ],
  );
});

test('a run of a fork that waits for approval is told to who wants gates, and how that was decided, once, whatever restarts in between', async (t) => {
  const receiver = await webServer(t, () => ({ status: 200 }));
  const it = await server();
  const target = { way: 'http', url: receiver.url, secret: 's' } as const;
  await store.subscribe(target, { wants: { ...everything, results: false } });
  await store.subscribe(target, { id: 'results', wants: { ...everything, gates: false } });
  await it.write();
  const trigger = { kind: 'pull-request', by: 'eve', number: 7, ref: 'refs/pull/7/head', fork: true } as const;
  const asked = async (commit: string) => {
    const { run } = await it.dispatcher.create({ project: 'acme/app', pipeline: '', trigger });
    await it.dispatcher.report(run, () => [{ kind: 'approval.asked', commit, until: it.now + minute }]);
    return run;
  };
  const decide = (run: string, kind: 'approved' | 'rejected' | 'expired') =>
    it.dispatcher.report(run, () => [{ kind: 'approval.decided', decision: { kind, by: 'ada', at: it.now } }]);
  const runs = [await asked('c1'), await asked('c2'), await asked('c3')] as const;
  await it.write();
  await it.send();
  await decide(runs[0], 'approved');
  await decide(runs[1], 'rejected');
  await decide(runs[2], 'expired');
  for (let n = 0; n < 2; n++) {
    await it.write();
    await it.send();
  }
  type Body = {
    readonly event: string;
    readonly run: string;
    readonly commit: string;
    readonly by: string;
    readonly decision?: { readonly kind: string };
  };
  const told = receiver.requests.map(({ body }) => JSON.parse(body) as Body);
  assert.deepEqual(
    told.map(({ event, run, commit, by, decision }) => [event, runs.indexOf(run), commit, by, decision?.kind].join(' ')).toSorted(),
    [
      'approval.asked 0 c1 eve ',
      'approval.asked 1 c2 eve ',
      'approval.asked 2 c3 eve ',
      'approval.decided 0 c1 eve approved',
      'approval.decided 1 c2 eve rejected',
      'approval.decided 2 c3 eve expired',
      'run.finished 1   ',
      'run.finished 2   ',
    ],
  );
  assert.equal((await store.letters('results')).length, 2);
});

test('only those outcomes, branches, environments and projects are told that were asked for', async () => {
  const it = await server();
  const target = { way: 'http', url: 'http://127.0.0.1:1/', secret: 's' } as const;
  const wanting = (id: string, more: object, rest: Partial<Subscription> = {}) =>
    store.subscribe(target, { id, wants: { ...everything, ...more }, ...rest });
  await wanting('all', {});
  await wanting('red', { outcomes: ['failed', 'errored'] });
  await wanting('main', { branches: ['main'] });
  await wanting('next', { branches: ['next'] });
  await wanting('production', { environments: ['production'] });
  await wanting('staging', { environments: ['staging'] });
  await wanting('later', {}, { createdAt: it.now + 1 });
  await wanting('other', {}, { project: 'acme/other' });
  await it.write();
  await it.run(planOf([stageOf('deploy', [], { deploys: { environment: 'production' } })]));
  await it.run(planOf([stageOf('test')]), 'failed');
  await it.write();
  const ids = ['all', 'red', 'main', 'next', 'production', 'staging', 'later', 'other'];
  const counts = await Promise.all(ids.map(async (id) => [id, (await store.letters(id)).length] as const));
  assert.deepEqual(Object.fromEntries(counts), { all: 2, red: 1, main: 2, next: 0, production: 1, staging: 0, later: 0, other: 0 });
});

test('what is not taken stays in the outbox over a restart, is tried less and less often, in its order, and given up after a day with a note', async (t) => {
  let answer: WebAnswer = { status: 500, body: 'secret' };
  const receiver = await webServer(t, () => answer);
  const it = await server();
  await store.subscribe({ way: 'http', url: receiver.url, secret: 's' });
  await it.write();
  await it.run();
  await it.write();
  const tries: number[] = [];
  for (let letter = await store.only(); letter.state === 'waiting'; letter = await store.only()) {
    tries.push(letter.tryAt - it.now);
    await it.send(letter.tryAt);
  }
  assert.deepEqual(
    tries.slice(0, 9).map((ms) => ms / minute),
    [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 63.5, 123.5],
  );
  assert.ok(tries.length < 40);
  const given = await store.only();
  assert.deepEqual(
    [given.state, given.attempts, given.note],
    ['given-up', tries.length, `Given up after a day: 127.0.0.1:${receiver.port} answered 500.`],
  );

  await it.run();
  await it.run(planOf([stageOf('test')]), 'failed');
  await it.write();
  const before = receiver.requests.length;
  await it.send(it.now);
  assert.equal(receiver.requests.length, before + 1);
  answer = { status: 200 };
  await it.send(it.now + minute);
  assert.deepEqual(
    (await store.letters()).map(({ state }) => state),
    ['sent', 'sent', 'given-up'],
  );
  const runs = receiver.requests.slice(before + 1).map(({ body }) => (JSON.parse(body) as { number: number }).number);
  assert.equal(runs.length, 2);
  assert.equal(receiver.requests[before]?.body, receiver.requests[before + 1]?.body);
});

test('a server that was replaced, and does not know it yet, sends nothing (atk-74)', async (t) => {
  const receiver = await webServer(t, () => ({ status: 200 }));
  const it = await server();
  await store.subscribe({ way: 'http', url: receiver.url, secret: 's' });
  await it.write();
  await it.run();
  await it.write();
  const holder = (name: string) => sql`update server set holder = ${name}`.execute(store.database.sql);
  await holder('another');
  await it.send();
  assert.equal(receiver.requests.length, 0);
  assert.ok(it.failures.some((error) => error instanceof Error && 'code' in error && error.code === 'STORE_LOCKED'));
  await holder('');
  await it.send();
  assert.equal(receiver.requests.length, 1);
});

test('one who does not answer holds up nobody else', async (t) => {
  const receiver = await webServer(t, () => ({ status: 200 }));
  const it = await server();
  await store.subscribe({ way: 'http', url: 'http://127.0.0.1:1/', secret: 's' }, { id: 'dead' });
  await store.subscribe({ way: 'slack', url: receiver.url }, { id: 'alive' });
  await it.write();
  for (let n = 0; n < 12; n++) await it.run();
  await it.write();
  await it.send();
  assert.equal(receiver.requests.length, 12);
  assert.equal(
    (await store.letters('dead')).reduce((sum, { attempts }) => sum + attempts, 0),
    1,
  );
});

test('a webhook of Slack gets a text, a mail server a mail', async (t) => {
  const slack = await webServer(t, () => ({ status: 200, body: 'ok' }));
  const mail = await smtpServer(t);
  const it = await server({ mailPort: mail.port });
  await store.subscribe({ way: 'slack', url: slack.url }, { id: 'slack' });
  await store.subscribe({ way: 'mail', to: ['ada@example.org', 'bob@example.org'] }, { id: 'mail' });
  await it.write();
  await it.run(planOf([stageOf('test')]), 'failed');
  await it.write();
  mail.refuse('451 later');
  await it.send();
  assert.equal((await store.only('mail')).note, 'the mail server does not take it 451.');
  mail.refuse(undefined);
  await it.send(it.now + minute);
  const [posted] = slack.requests;
  assert.match(
    (JSON.parse(posted?.body ?? '') as { text: string }).text,
    /^:x: `acme\/app` #1 failed on `main`\n• `test` failed: `exit code 1`$/,
  );
  const [taken, ...more] = mail.mails;
  assert.equal(more.length, 0);
  assert.deepEqual([taken?.from, taken?.to, taken?.login], ['ci@example.org', ['ada@example.org', 'bob@example.org'], '\0ci\0of the mail']);
  assert.match(taken?.data ?? '', /^Subject: acme\/app #1 failed on main$/m);
  assert.match(taken?.data ?? '', /^- test failed: exit code 1$/m);
  assert.match(taken?.data ?? '', /^Auto-Submitted: auto-generated$/m);
});

test('a test is delivered as all letters are: signed, tried again with a note, and worded for each way', async (t) => {
  let answer: WebAnswer = { status: 500 };
  const receiver = await webServer(t, () => answer);
  const slack = await webServer(t, () => ({ status: 200 }));
  const mail = await smtpServer(t);
  const it = await server({ mailPort: mail.port });
  await store.subscribe({ way: 'http', url: receiver.url, secret: 'the secret' });
  await store.subscribe({ way: 'slack', url: slack.url }, { id: 'slack' });
  await store.subscribe({ way: 'mail', to: ['ada@example.org'] }, { id: 'mail' });
  const test = { event: 'subscription.tested', project: 'acme/app', at: it.now, by: 'ada' } as const;
  await store.outbox.put(
    ['sub1', 'slack', 'mail'].map((subscription) => ({
      id: `of-${subscription}`,
      subscription,
      event: `test/of-${subscription}`,
      body: { ...test, subscription },
      createdAt: it.now,
    })),
  );
  await it.send();
  const tried = await store.only();
  assert.deepEqual([tried.state, tried.attempts, tried.note], ['waiting', 1, `127.0.0.1:${receiver.port} answered 500.`]);
  answer = { status: 204 };
  await it.send(tried.tryAt);
  assert.equal((await store.only()).state, 'sent');
  const { headers, body } = receiver.requests[1] ?? assert.fail();
  assert.deepEqual(JSON.parse(body), { id: 'of-sub1', ...test, subscription: 'sub1' });
  const signature = createHmac('sha256', 'the secret')
    .update(`${String(headers['x-cion-timestamp'])}.${body}`)
    .digest('hex');
  assert.deepEqual([headers['x-cion-event'], headers['x-cion-signature-256']], ['subscription.tested', `sha256=${signature}`]);
  const when = new Date(it.now).toISOString();
  assert.equal(
    (JSON.parse(slack.requests[0]?.body ?? '') as { text: string }).text,
    `:bell: This is a test of what \`acme/app\` tells\n• subscription \`slack\`, asked for by \`ada\` at ${when}`,
  );
  const [taken] = mail.mails;
  assert.match(taken?.data ?? '', /^Subject: This is a test of what acme\/app tells$/m);
  assert.match(taken?.data ?? '', new RegExp(`^- subscription mail, asked for by ada at ${when}$`, 'm'));
});

test('a mail has the headers and receivers that it was given and no more, whatever a commit says (atk-68)', async (t) => {
  const mail = await smtpServer(t);
  const it = await server({ mailPort: mail.port });
  await store.subscribe({ way: 'mail', to: ['ada@example.org'] });
  await it.write();
  const { run } = await it.dispatcher.create({ project: 'acme/app', pipeline: 'cion', trigger: { kind: 'manual', by: 'eve' } });
  const source = {
    commit: 'c0ffee',
    branch: 'main',
    subject: 'x\r\nBcc: all@example.org\r\n\r\n.\r\nMAIL FROM:<m@x>',
    changedFiles: 0,
    files: 1,
    bytes: 1,
  };
  await it.dispatcher.report(run, () =>
    plannedFacts(planOf([stageOf('a')])).map((fact) => (fact.kind === 'fetch.finished' ? { ...fact, source } : fact)),
  );
  await it.dispatcher.report(run, () => [{ kind: 'run.cancel-requested', by: 'eve', force: true }]);
  await it.write();
  await it.send();
  assert.equal(mail.mails.length, 1);
  const [head = ''] = (mail.mails[0]?.data ?? '').split('\n\n');
  assert.deepEqual(mail.mails[0]?.to, ['ada@example.org']);
  assert.doesNotMatch(head, /^(?:Bcc|MAIL)/im);
});

test('an address inside is never told anything, and why is noted; its answer is shown to nobody (atk-67)', async (t) => {
  const inside = await webServer(t, () => ({ status: 500, body: 'the secret of the inside' }));
  const it = await server({ allowed: [] });
  await store.subscribe({ way: 'http', url: `http://127.0.0.1:${inside.port}/`, secret: 's' });
  await store.subscribe({ way: 'slack', url: `http://localhost:${inside.port}/` }, { id: 'slack' });
  await it.write();
  await it.run();
  await it.write();
  await it.send();
  assert.equal(inside.requests.length, 0);
  const why = 'is not on the public internet, and the operator of this server has not allowed it.';
  assert.equal((await store.only()).note, `127.0.0.1 ${why}`);
  assert.equal((await store.only('slack')).note, `localhost ${why}`);
});

test('no letter has a secret of the project, and without knowing them none is written', async (t) => {
  const receiver = await webServer(t, () => ({ status: 200 }));
  const it = await server({ secret: 'hunter2' });
  await store.subscribe({ way: 'http', url: receiver.url, secret: 's' });
  await it.write();
  await it.run(planOf([stageOf('print-hunter2')]), 'failed');
  await it.write();
  await it.send();
  assert.match(receiver.requests[0]?.body ?? '', /print-\*\*\*/);
  assert.doesNotMatch(JSON.stringify([receiver.requests, await store.letters()]), /hunter2/);

  const unknowing = await server({ secret: 'unknown' });
  await unknowing.run();
  await unknowing.write();
  assert.equal(unknowing.failures.length, 1);
  assert.equal((await store.letters()).length, 1);
});
