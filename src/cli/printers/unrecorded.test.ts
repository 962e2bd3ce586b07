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
