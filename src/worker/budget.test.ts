import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeBudget } from './budget.ts';

const never = new AbortController().signal;

describe('the budget of a disk', () => {
  it('lets those who want more than there is wait, in the order in which they came', async () => {
    const budget = makeBudget(10);
    const order: string[] = [];
    await budget.take(8, never);
    const takes = [5, 1, 9].map((bytes) => budget.take(bytes, never).then(() => order.push(String(bytes))));
    budget.give(4);
    await takes[0];
    await takes[1];
    assert.deepEqual(order, ['5', '1']);
    budget.give(10);
    await takes[2];
    assert.deepEqual(order, ['5', '1', '9']);
  });

  it('lets through what is larger than all of it when nothing else is there', async () => {
    const budget = makeBudget(10);
    await budget.take(50, never);
    const next = budget.take(1, never);
    budget.give(50);
    await next;
  });

  it('counts nothing for one who waits no longer', async () => {
    const budget = makeBudget(10);
    await budget.take(10, never);
    const gone = new AbortController();
    const first = budget.take(10, gone.signal);
    const second = budget.take(10, never);
    gone.abort(new Error('gone'));
    await assert.rejects(first, /gone/);
    budget.give(10);
    await second;
  });
});
