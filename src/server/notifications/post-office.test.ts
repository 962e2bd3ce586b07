import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { systemClock } from '../../lib/clock.ts';
import type { NewLetter, Outbox } from '../../store/notifications.ts';
import { allowedAddresses } from '../outgoing/allowed-addresses.ts';
import { outgoing } from '../outgoing/outgoing.ts';
import { type WebAnswer, webServer } from '../outgoing/testing/web-server.ts';
import { deliver } from './deliver.ts';
import { sendMail } from './mail-server.ts';
import { postOffice } from './post-office.ts';
import { letterStore } from './testing/letter-store.ts';
import { smtpServer } from './testing/smtp-server.ts';

const store = letterStore();
const now = 1_800_000_000_000;

/** Post offices whose clock stands still, each until it is stopped. */
const site = (options: { readonly mailPort?: number } = {}) => {
  const failures: unknown[] = [];
  let [count, failed, cleared] = [0, 0, 0];
  let told = (): void => undefined;
  const { outbox } = store;
  const watched: Outbox = {
    ...outbox,
    move: async (id, to) => {
      await outbox.move(id, to);
      if (to.state === 'sent') count++;
      if (to.note !== undefined) failed++;
      told();
    },
    clear: (before) => {
      cleared++;
      return outbox.clear(before);
    },
  };
  const until = (isSo: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      told = () => (isSo() ? resolve() : undefined);
      told();
    });
  return {
    now,
    /** Resolves when so many letters were. */
    sent: (wanted: number) => until(() => count >= wanted),
    /** Resolves when so many tries were not taken. */
    tried: (wanted: number) => until(() => failed >= wanted),
    cleared: () => cleared,
    failures,
    open: () => {
      const going = new AbortController();
      const { mailPort: port } = options;
      const mails =
        port === undefined ? {} : { sendMail: sendMail({ host: '127.0.0.1', port, security: 'none', from: 'cion <ci@example.org>' }) };
      const clock = virtualClock({ startAt: now });
      const send = outgoing({ allowed: allowedAddresses(['127.0.0.1']), clock: systemClock });
      const office = postOffice({
        outbox: watched,
        deliver: deliver({ send, clock, ...mails }),
        sealer: store.sealer,
        clock,
        failed: (error) => void failures.push(error),
      });
      const ended = office.start(going.signal);
      return {
        office,
        clock,
        stop: () => {
          going.abort();
          return ended;
        },
      };
    },
  };
};

const letterOf = (subscription: string, n: number, at: number): NewLetter => ({
  id: `${subscription}-${n}`,
  subscription,
  event: `test/${n}`,
  body: { event: 'subscription.tested', project: 'acme/app', at, by: 'ada', subscription },
  createdAt: at,
});

const never = (): Promise<WebAnswer> => new Promise(() => undefined);

test('one who takes a letter and never answers holds up nobody else, and is told in order', async (t) => {
  const slow = await webServer(t, never);
  const receiver = await webServer(t, () => ({ status: 200 }));
  const it = site();
  await store.subscribe({ way: 'http', url: slow.url, secret: 's' }, { id: 'slow' });
  for (let n = 0; n < 120; n++) await store.outbox.put([letterOf('slow', n, it.now)]);
  const { office, stop } = it.open();
  await slow.came(1);
  for (const round of [1, 2]) {
    await store.subscribe({ way: 'http', url: receiver.url, secret: 's' }, { id: `later${round}`, project: `acme/other${round}` });
    for (let n = 0; n < 7; n++) await store.outbox.put([letterOf(`later${round}`, n, it.now)]);
    office.wake();
    await receiver.came(7 * round);
  }
  assert.deepEqual(
    receiver.requests.map(({ body }) => (JSON.parse(body) as { id: string }).id),
    ['later1', 'later2'].flatMap((id) => Array.from({ length: 7 }, (_, n) => `${id}-${n}`)),
  );
  assert.equal(slow.requests.length, 1);
  await stop();
});

test('a stop drops the letters that are on their way at once, and they are sent by the next server', async (t) => {
  let isSlow = true;
  const slow = await webServer(t, () => (isSlow ? never() : { status: 200 }));
  const mail = await smtpServer(t);
  mail.refuse('');
  const it = site({ mailPort: mail.port });
  await store.subscribe({ way: 'http', url: slow.url, secret: 's' }, { id: 'slow' });
  await store.subscribe({ way: 'mail', to: ['ada@example.org'] }, { id: 'mail' });
  await store.outbox.put([letterOf('slow', 0, it.now), letterOf('mail', 0, it.now)]);
  const { stop } = it.open();
  await Promise.all([slow.came(1), mail.asked]);
  const began = performance.now();
  await stop();
  assert.ok(performance.now() - began < 5000);
  for (const id of ['slow', 'mail']) {
    const { state, attempts, tryAt, note } = await store.only(id);
    assert.deepEqual([state, attempts, tryAt, note], ['waiting', 1, it.now, undefined]);
  }
  assert.deepEqual(it.failures, []);
  isSlow = false;
  mail.refuse(undefined);
  const next = it.open();
  await it.sent(2);
  await next.stop();
  assert.deepEqual([(await store.only('slow')).state, (await store.only('mail')).state], ['sent', 'sent']);
  assert.deepEqual(
    slow.requests.map(({ body }) => (JSON.parse(body) as { id: string }).id),
    ['slow-0', 'slow-0'],
  );
});

test('what came after a letter that was not taken waits with it, however late it came, and is told after it', async (t) => {
  let status = 500;
  const receiver = await webServer(t, () => ({ status }));
  const it = site();
  await store.subscribe({ way: 'http', url: receiver.url, secret: 's' });
  await store.outbox.put([letterOf('sub1', 0, it.now)]);
  const { office, clock, stop } = it.open();
  await it.tried(1);
  status = 200;
  await store.outbox.put([letterOf('sub1', 1, it.now), letterOf('sub1', 2, it.now)]);
  office.wake();
  await clock.advance(30_000);
  office.wake();
  await it.sent(3);
  assert.deepEqual(
    receiver.requests.map(({ body }) => (JSON.parse(body) as { id: string }).id),
    ['sub1-0', 'sub1-0', 'sub1-1', 'sub1-2'],
  );
  await stop();
});

test('old letters are looked for once an hour, and not with each that is sent', async (t) => {
  const receiver = await webServer(t, () => ({ status: 200 }));
  const it = site();
  await store.subscribe({ way: 'http', url: receiver.url, secret: 's' });
  const { office, clock, stop } = it.open();
  for (let n = 0; n < 3; n++) {
    await store.outbox.put([letterOf('sub1', n, it.now)]);
    office.wake();
    await it.sent(n + 1);
  }
  assert.equal(it.cleared(), 1);
  await clock.advance(3_600_000);
  await store.outbox.put([letterOf('sub1', 3, it.now)]);
  office.wake();
  await it.sent(4);
  await stop();
  assert.equal(it.cleared(), 2);
});
