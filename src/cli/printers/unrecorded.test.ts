import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../../lib/virtual-clock.ts';
import type { Source } from '../../run/run-event.ts';
import { runShow } from './run-show.ts';
import { summary } from './summary.ts';
import { noon, plainLook } from './testing/golden.ts';
import { commitHash, digest, somePlan, tellStory } from './testing/story.ts';

const released = (source: Source, isRecorded = false) => {
  const run = tellStory(virtualClock({ startAt: noon }));
  run.created();
  run.tell({ kind: 'fetch.started' }, { kind: 'fetch.finished', source });
  run.planned(somePlan({ build: [], release: ['build'] }, { release: { deploys: { environment: 'production' } } }));
  for (const name of ['build', 'release']) {
    run.queued(name);
    run.preparing(name);
    run.started(name);
    run.finished(name);
  }
  const deployment = {
    environment: 'production',
    changedFiles: source.changedFiles,
    image: { reference: 'shop:latest', digest: digest('d') },
    at: noon,
  };
  if (isRecorded) run.tell({ kind: 'deployment.recorded', stage: 'release', deployment });
  run.ended('passed');
  return run.state();
};

const said = (state: ReturnType<typeof released>): readonly [string, string] => [
  summary(state, plainLook(140), { timeline: false }).join('\n'),
  runShow(state, noon, plainLook(140)).join('\n'),
];

const files = { files: 3, bytes: 9 };
const cases: readonly (readonly [Source, string])[] = [
  [{ ...files, commit: commitHash, changedFiles: 1 }, '1 file differs from abc1234'],
  [{ ...files, commit: commitHash, changedFiles: 2 }, '2 files differ from abc1234'],
  [{ ...files, changedFiles: 0 }, 'there is no commit'],
];

for (const [source, why] of cases) {
  test(`a release that is not recorded is told, as ${why}`, () => {
    const line = `release to production: ${why} (cion run --record records it all the same)`;
    for (const text of said(released(source))) assert.ok(text.replaceAll(/ {2,}/g, ' ').includes(`Not recorded ${line}`), text);
    for (const text of said(released(source, true))) assert.doesNotMatch(text, /Not recorded/);
  });
}

test('nothing is missing where nothing was released', () => {
  const run = tellStory(virtualClock({ startAt: noon }));
  run.created();
  run.fetched(1);
  run.planned(somePlan({ release: [] }, { release: { deploys: { environment: 'production' } } }));
  run.queued('release');
  run.preparing('release');
  run.started('release');
  run.finished('release', 'failed', { cause: { kind: 'exit', code: 1 } });
  run.ended('failed');
  for (const text of said(run.state())) assert.doesNotMatch(text, /Not recorded/);
});

/** Releases, and half a minute later again; a working tree with one changed file where `isRecorded` is not. */
const releasedTwice = async (isRecorded: boolean) => {
  const clock = virtualClock({ startAt: noon });
  const run = tellStory(clock);
  run.created();
  run.fetched(isRecorded ? 0 : 1);
  run.planned(
    somePlan({ first: [], second: [] }, { first: { deploys: { environment: 'stable' } }, second: { deploys: { environment: 'canary' } } }),
  );
  const release = (name: string, environment: string, attempt: number): void => {
    run.queued(name, attempt);
    run.preparing(name, attempt);
    run.started(name, attempt);
    run.finished(name, 'passed', { attempt });
    const image = { reference: 'shop:latest', digest: digest('d') };
    if (!isRecorded) return;
    run.tell({ kind: 'deployment.recorded', stage: name, deployment: { environment, changedFiles: 0, image, at: clock.now() } });
  };
  release('first', 'stable', 1);
  release('second', 'canary', 1);
  run.ended('passed');
  await clock.advance(30_000);
  const since = clock.now();
  run.tell({ kind: 'run.rerun', stages: ['second'], trigger: { kind: 'manual', by: 'anna' } });
  release('second', 'canary', 2);
  run.ended('passed');
  return { state: run.state(), since };
};

test('after a re-run the summary tells what that released, and show tells all with their times', async () => {
  const { state, since } = await releasedTwice(true);
  const text = summary(state, plainLook(140), { timeline: false, since }).join('\n');
  assert.equal(text.match(/ to canary by second/g)?.length, 1);
  assert.doesNotMatch(text, /to stable/);
  const shown = runShow(state, noon + 30_000, plainLook(140)).join('\n');
  for (const words of [
    'stable by first, 2026-11-21 12:00:00',
    'canary by second, 2026-11-21 12:00:00',
    'canary by second, 2026-11-21 12:00:30',
  ]) {
    assert.ok(shown.includes(`to ${words}`), shown);
  }
});

test('after a re-run the summary tells what of that is not recorded, and nothing of before', async () => {
  const { state, since } = await releasedTwice(false);
  const text = summary(state, plainLook(140), { timeline: false, since }).join('\n');
  assert.match(text, /Not recorded +second to canary/);
  assert.doesNotMatch(text, /first to stable/);
});
