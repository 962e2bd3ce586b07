import assert from 'node:assert/strict';
import { type ContractTest, script } from './case.contract.ts';

export const partContract = (test: ContractTest): void => {
  test('the second container of an attempt runs like any, beside what is left of the first', [], async (given) => {
    const { item, drive, runtime, run, signal, subject } = given;
    const mounts = [{ kind: 'volume', volume: 'tree', path: '/tree', access: 'read-write' }] as const;
    const first = item({ name: 'two', ...script('echo one > /tree/x', { FAKE_WRITE: '{"/tree/x":"one\\n"}' }), mounts });
    const done = {
      ...item({ name: 'two', ...script('cat /tree/x; exit 3', { FAKE_DONE_PRINT_FILE: '/tree/x', FAKE_DONE_EXIT: '3' }), mounts }),
      part: 'done' as const,
    };
    const ended = await drive(first);
    assert.deepEqual(await runtime.attach(done, signal), { kind: 'gone' });
    const second = await drive(done);
    assert.notEqual(second.container, ended.container);
    assert.equal(second.text, 'one\n');
    assert.equal(second.exit.code, 3);
    for (const [which, code] of [
      [first, 0],
      [done, 3],
    ] as const) {
      const attached = await subject.another().attach(which, signal);
      assert.ok(attached.kind === 'live');
      assert.equal((await attached.execution.exit).code, code);
    }
    const swept = await runtime.sweep({ kind: 'attempt', run, stage: 'two', attempt: 1 }, signal);
    assert.ok(swept.containers >= 2);
    assert.deepEqual([await runtime.attach(first, signal), await runtime.attach(done, signal)], [{ kind: 'gone' }, { kind: 'gone' }]);
  });

  test('the sweep of an attempt leaves the second container of the next', [], async ({ item, prepare, start, runtime, run, signal }) => {
    const done = { ...item({ name: 'two', ...script('exit 4', { FAKE_DONE_EXIT: '4' }) }, 2), part: 'done' as const };
    await prepare(done);
    await runtime.sweep({ kind: 'attempt', run, stage: 'two', attempt: 1 }, signal);
    assert.equal((await (await start(done)).exit).code, 4);
  });
};
