import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { batched } from './batched.ts';

describe('batched', () => {
  it('makes calls together that come while one is under way, and answers each', async () => {
    const seen: (readonly number[])[] = [];
    const first = Promise.withResolvers<void>();
    const double = batched(async (inputs: readonly number[]) => {
      seen.push(inputs);
      if (seen.length === 1) await first.promise;
      return inputs.map((input) => input * 2);
    });
    const answers = Promise.all([1, 2, 3, 4].map(double));
    first.resolve();
    assert.deepEqual(await answers, [2, 4, 6, 8]);
    assert.deepEqual(seen, [[1], [2, 3, 4]]);
    assert.equal(await double(5), 10);
  });

  it('rejects all that were in a batch that failed, and goes on with the next', async () => {
    const fail = batched(async (inputs: readonly boolean[]) => {
      if (inputs.includes(true)) throw new Error('failed');
      return inputs;
    });
    const answers = await Promise.allSettled([fail(false), fail(true), fail(false)]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'],
    );
    assert.equal(await fail(false), false);
  });
});
