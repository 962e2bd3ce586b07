import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { NewLetter, Outbox, Subscription, SubscriptionStore } from './notifications.ts';

const one: Subscription = {
  id: 'one',
  project: 'ada/shop',
  way: 'http',
  target: 'sealed',
  place: 'hooks.example.org',
  wants: { outcomes: ['failed', 'errored'], results: true, branches: ['main'], environments: [], gates: true },
  by: 'ada',
  createdAt: 1_800_000_000_000,
};
const other: Subscription = { ...one, id: 'other', project: 'ada/other' };
const shown = { id: 'one', project: 'ada/shop', way: 'http', target: 'sealed' } as const;
const letter = (id: string, event: string, createdAt = 1_800_000_000_000): NewLetter => ({
  id,
  subscription: 'one',
  event,
  body: { text: 'über', list: [1, { a: null }] },
  createdAt,
});
const fresh = { state: 'waiting', attempts: 0 } as const;

/** What every SubscriptionStore with its Outbox does; `make` gives empty ones. */
export const notificationStoresContract = (
  make: () => Promise<{ readonly subscriptions: SubscriptionStore; readonly outbox: Outbox }>,
): void => {
  it('gives subscriptions back as they were added, and removes one of a project or all of it', async () => {
    const { subscriptions } = await make();
    await subscriptions.add(one);
    await subscriptions.add(other);
    assert.deepEqual(await subscriptions.list('ada/shop'), [one]);
    assert.equal(await subscriptions.remove('ada/shop', 'other'), false);
    assert.equal(await subscriptions.remove('ada/shop', 'one'), true);
    assert.equal(await subscriptions.remove('ada/shop'), false);
    assert.deepEqual(await subscriptions.list('ada/other'), [other]);
  });

  it('keeps one letter of one event for one subscription, whoever puts it how often, also after it was sent', async () => {
    const { subscriptions, outbox } = await make();
    await subscriptions.add(one);
    await Promise.all(Array.from({ length: 4 }, (_, n) => outbox.put([letter(`l${n}`, 'run_1/finished/1')])));
    const [only, ...more] = await outbox.list('one', 10);
    assert.equal(more.length, 0);
    assert.ok(only);
    await outbox.move(only.id, { state: 'sent', tryAt: 5, attempts: 1 });
    await outbox.put([letter('later', 'run_1/finished/1'), letter('next', 'run_1/finished/2')]);
    assert.deepEqual(
      (await outbox.list('one', 10)).map(({ event, state }) => [event, state]),
      [
        ['run_1/finished/2', 'waiting'],
        ['run_1/finished/1', 'sent'],
      ],
    );
  });

  it('knows which letters are due, the earliest first, until they are sent or given up', async () => {
    const { subscriptions, outbox } = await make();
    await subscriptions.add(one);
    await outbox.put([letter('b', 'e/2', 100), letter('a', 'e/1', 200)]);
    const [b, a] = await outbox.due(200, 10);
    assert.deepEqual(b, { ...letter('b', 'e/2', 100), subscription: shown, ...fresh, tryAt: 100 });
    assert.equal(a?.id, 'a');
    assert.deepEqual(
      (await outbox.due(199, 10)).map(({ id }) => id),
      ['b'],
    );
    assert.deepEqual(
      (await outbox.due(200, 1)).map(({ id }) => id),
      ['b'],
    );
    await outbox.move('b', { state: 'waiting', tryAt: 300, attempts: 1, note: 'it answered 500' });
    assert.deepEqual(
      (await outbox.due(200, 10)).map(({ id }) => id),
      ['a'],
    );
    const [, again] = await outbox.due(300, 10);
    assert.deepEqual([again?.id, again?.attempts, again?.note], ['b', 1, 'it answered 500']);
    await subscriptions.add(other);
    await outbox.put([{ ...letter('c', 'e/1', 300), subscription: 'other' }]);
    const but = async (...except: string[]) => (await outbox.due(300, 10, except)).map(({ id }) => id);
    assert.deepEqual([await but('one'), await but('one', 'other')], [['c'], []]);
    await outbox.move('c', { state: 'sent', tryAt: 300, attempts: 1 });
    await outbox.move('a', { state: 'sent', tryAt: 300, attempts: 1 });
    await outbox.move('b', { state: 'given-up', tryAt: 300, attempts: 9, note: 'a day is over' });
    assert.deepEqual(await outbox.due(9e15, 10), []);
  });

  it('holds the letters of one subscription that wait, those too that come later, and no other; what was put aside is due at once', async () => {
    const { subscriptions, outbox } = await make();
    await subscriptions.add(one);
    await subscriptions.add(other);
    await outbox.put([letter('sent', 'e/1', 100), letter('a', 'e/2', 100), { ...letter('of-other', 'e/1', 100), subscription: 'other' }]);
    await outbox.move('sent', { state: 'sent', tryAt: 100, attempts: 1 });
    await outbox.hold('one', 500);
    await outbox.hold('one', 400);
    await outbox.put([letter('b', 'e/3', 200), letter('c', 'e/4', 600), { ...letter('more', 'e/2', 200), subscription: 'other' }]);
    await outbox.put([letter('test', 'test/1', 300)], { aside: true });
    const due = async (until: number) => (await outbox.due(until, 10)).map(({ id, tryAt }) => [id, tryAt]);
    const early = [
      ['of-other', 100],
      ['more', 200],
      ['test', 300],
    ];
    assert.deepEqual(await due(499), early);
    assert.deepEqual(await due(600), [...early, ['a', 500], ['b', 500], ['c', 600]]);
    assert.equal((await outbox.list('one', 10)).find(({ id }) => id === 'sent')?.tryAt, 100);
  });

  it('clears what is sent or given up and old, and with a subscription all that was for it', async () => {
    const { subscriptions, outbox } = await make();
    await subscriptions.add(one);
    await outbox.put([letter('a', 'e/1', 100), letter('b', 'e/2', 100), letter('c', 'e/3', 200)]);
    await outbox.move('b', { state: 'sent', tryAt: 100, attempts: 1 });
    await outbox.move('c', { state: 'sent', tryAt: 200, attempts: 1 });
    await outbox.clear(200);
    assert.deepEqual(
      (await outbox.list('one', 10)).map(({ id }) => id),
      ['c', 'a'],
    );
    await subscriptions.remove('ada/shop');
    assert.deepEqual(await outbox.list('one', 10), []);
    await outbox.put([letter('d', 'e/4')]);
    assert.deepEqual(await outbox.due(9e15, 10), []);
  });
};
