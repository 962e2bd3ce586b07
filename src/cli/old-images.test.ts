import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../lib/virtual-clock.ts';
import { execute } from '../engine/execute.ts';
import { doing } from '../engine/testing/fake-run.ts';
import { depsFor, optionsFor, plannedJournal } from '../engine/testing/memory-run.ts';
import { planOf } from '../engine/testing/random-plan.ts';
import { fakeRuntime, fakeWorld } from '../runtimes/fake/fake-runtime.ts';
import { oldImages } from './old-images.ts';

const day = 86_400_000;

test('images are kept for their time and then go; the newest green one stays, and what a name means by now (R-WRK-55)', async () => {
  const clock = virtualClock({ whenIdle: 'wait' });
  const world = fakeWorld();
  const runtime = fakeRuntime({ clock, world });
  const build = async (run: string, exit: string) => {
    const commit = { names: ['app:{id}', 'app:{outcome}', 'app:latest'], when: 'ended' } as const;
    const journal = plannedJournal(planOf([doing('build', { FAKE_EXIT: exit }, { commit })]), run);
    const { state } = await execute(depsFor(journal, clock, { runtime }), optionsFor());
    await clock.advance(day);
    return state;
  };
  const runs = [await build('one', '0'), await build('two', '0'), await build('three', '1'), await build('four', '1')].toReversed();
  assert.deepEqual(oldImages(runs, 0), []);
  assert.deepEqual(
    oldImages(runs, 2.5 * day).map(({ reference }) => reference),
    ['app:three', 'app:red', 'app:latest', 'app:one', 'app:green', 'app:latest'],
  );
  const images = oldImages(runs, 2.5 * day);
  const { signal } = new AbortController();
  assert.equal((await runtime.sweep({ kind: 'images', images }, signal)).images, 2);
  assert.deepEqual([...world.named.keys()].toSorted(), ['app:four', 'app:green', 'app:latest', 'app:red', 'app:two']);
  assert.equal((await runtime.sweep({ kind: 'images', images }, signal)).images, 0);
});
