import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { runShow } from './run-show.ts';
import { summary } from './summary.ts';
import { noon, plainLook } from './testing/golden.ts';
import { somePlan, tellStory } from './testing/story.ts';

const told = (texts: readonly string[]) => {
  const run = tellStory(virtualClock({ startAt: noon }));
  run.created();
  run.tell({ kind: 'run.noted', text: 'get code', aside: true }, { kind: 'run.noted', text: 'the release of run 7 again' });
  run.planned(somePlan({ build: [] }));
  run.queued('build');
  run.preparing('build');
  run.started('build');
  run.tell({ kind: 'stage.noted', stage: 'build', attempt: 1, text: 'saving build output', aside: true });
  for (const text of texts) run.tell({ kind: 'stage.noted', stage: 'build', attempt: 1, text });
  run.finished('build');
  run.ended('passed');
  return run.state();
};

test('what was noted of a stage and of a run is shown, and what is only about to be done is not', () => {
  const state = told(['a secret is in files that it left: dist/a.js. Who may read the project can read them']);
  const shown = runShow(state, noon, plainLook(140)).join('\n');
  assert.match(shown, /^ *! build +A secret is in files that it left: dist\/a\.js\. Who may read the project can read them\.$/m);
  assert.match(shown, /^ *Noted +The release of run 7 again\.$/m);
  assert.doesNotMatch(shown, /get code|saving/);
});

test('the end of a run warns of what was noted in it, and not of what was noted before', () => {
  const state = told(['the cache a was not kept: the disk is full\u001b[2J']);
  const end = summary(state, plainLook(140), { timeline: false }).join('\n');
  assert.match(end, /^ *! build +The cache a was not kept: the disk is full.*\.$/m);
  assert.doesNotMatch(end, /\u001b/);
  assert.doesNotMatch(summary(state, plainLook(140), { timeline: false, since: noon + 1 }).join('\n'), /was not kept/);
});

test('of very many and very long notes some are kept, and each once', () => {
  const state = told([...Array.from({ length: 100 }, (_, n) => `${n} ${'x'.repeat(5000)}`), 'same', 'same']);
  const node = state.nodes.get('build');
  assert.ok(node?.kind === 'stage');
  const { notes = [] } = node.attempts[0] ?? {};
  assert.equal(notes.length, 20);
  assert.ok(notes.every(({ length }) => length < 1010));
  const twice = told(['same', 'same']).nodes.get('build');
  assert.deepEqual(twice?.kind === 'stage' && twice.attempts[0]?.notes, ['same']);
});
