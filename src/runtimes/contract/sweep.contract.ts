import assert from 'node:assert/strict';
import { type ContractTest, script, tarOf } from './case.contract.ts';

const none = { containers: 0, volumes: 0, networks: 0, images: 0 } as const;

export const sweepContract = (test: ContractTest): void => {
  test('the sweep of an attempt takes that attempt and leaves the volumes and the next attempt', [], async (given) => {
    const { item, drive, prepare, start, runtime, run, signal } = given;
    const mounts = [{ kind: 'volume', volume: 'tree', path: '/tree', access: 'read-write' }] as const;
    const plan = { name: 'tried', ...script('echo x > /tree/x', { FAKE_WRITE: '{"/tree/x":"x"}' }), mounts } as const;
    await drive(item(plan, 1));
    const second = item(plan, 2);
    await prepare(second);
    const swept = await runtime.sweep({ kind: 'attempt', run, stage: 'tried', attempt: 1 }, signal);
    assert.equal(swept.containers, 1);
    assert.deepEqual(await runtime.sweep({ kind: 'attempt', run, stage: 'tried', attempt: 1 }, signal), none);
    assert.equal((await (await start(second)).exit).code, 0);
    assert.equal((await drive(item({ ...script('cat /tree/x', { FAKE_PRINT_FILE: '/tree/x' }), mounts }))).exit.code, 0);
  });

  test('the sweep of a run takes all of it, whatever its state, and again is nothing (R-CIO-40)', [], async (given) => {
    const { item, drive, prepare, start, runtime, run, signal, subject } = given;
    await drive(item(script('exit 1', { FAKE_EXIT: '1' })));
    await prepare(item(script('true')));
    const running = item(script('sleep 600', { FAKE_SLEEP_MS: '600000' }));
    await prepare(running);
    const execution = await start(running);
    const exit = execution.exit.then(
      () => 'ended',
      () => 'unknown',
    );
    await runtime.write({ run, volume: 'tree' }, tarOf({ name: 'a', content: 'a' }), signal);
    const swept = await runtime.sweep({ kind: 'run', run }, signal);
    assert.ok(swept.containers >= 3, `${swept.containers} containers`);
    assert.ok(swept.volumes >= 1, `${swept.volumes} volumes`);
    await exit;
    assert.deepEqual(await subject.left(run), []);
    assert.deepEqual(await runtime.sweep({ kind: 'run', run }, signal), none);
  });

  test('what a dead process made is swept by another (R-CIO-40)', [], async ({ item, prepare, start, run, signal, subject }) => {
    const running = item(script('sleep 600', { FAKE_SLEEP_MS: '600000' }));
    await prepare(running);
    (await start(running)).exit.catch(() => {});
    await subject.another().sweep({ kind: 'run', run }, signal);
    assert.deepEqual(await subject.left(run), []);
  });

  test('a sweep in the midst of a prepare wins (R-CIO-40)', [], async ({ item, runtime, run, signal, subject }) => {
    const being = item(script('true', { FAKE_PREPARE_MS: '1' }));
    const preparing = runtime
      .prepare(being, () => {}, signal)
      .then(
        () => 'prepared',
        () => 'swept',
      );
    await runtime.sweep({ kind: 'run', run }, signal);
    await preparing;
    await runtime.sweep({ kind: 'run', run }, signal);
    assert.deepEqual(await subject.left(run), []);
  });

  test('the sweep of all spares the runs named', [], async ({ item, drive, runtime, run, signal, subject }) => {
    await drive(item(script('true')));
    await runtime.sweep({ kind: 'all', exceptRuns: [run] }, signal);
    assert.notDeepEqual(await subject.left(run), []);
    await runtime.sweep({ kind: 'all', exceptRuns: [] }, signal);
    assert.deepEqual(await subject.left(run), []);
  });

  test(
    'an image that was committed under names outlives its run, and goes with the last name that still means it (R-WRK-55)',
    [],
    async (given) => {
      const { item, drive, prepare, start, runtime, run, signal } = given;
      const names = ['1', 'latest'].map((tag) => `cion-test/${run.toLowerCase().replaceAll('_', '-')}:${tag}`);
      const committed = async (text: string, as: readonly string[]) => {
        const making = item(script(`echo ${text} > /made`));
        await prepare(making);
        const execution = await start(making);
        await execution.exit;
        return { ...(await execution.commit(as, signal)), names: as };
      };
      const namesOf = ({ digest, names }: { readonly digest: string; readonly names: readonly string[] }) =>
        names.map((reference) => ({ reference, digest }));
      const old = await committed('old', names);
      const newer = await committed('newer', names.slice(1));
      await runtime.sweep({ kind: 'run', run }, signal);
      assert.deepEqual(await runtime.sweep({ kind: 'images', images: namesOf(old) }, signal), { ...none, images: 1 });
      assert.deepEqual(await runtime.sweep({ kind: 'images', images: namesOf(old) }, signal), none);
      const { exit } = await drive(item({ ...script('cat /made'), image: { kind: 'reference', reference: newer.reference } }));
      assert.equal(exit.code, 0);
      await runtime.sweep({ kind: 'run', run }, signal);
      assert.deepEqual(await runtime.sweep({ kind: 'images', images: namesOf(newer) }, signal), { ...none, images: 1 });
    },
  );
};
