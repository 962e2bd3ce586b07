import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cause, Outcome, SkipCause } from '../../run/outcome.ts';
import { causeSentence, decisionSentence, gateSentence, outcomeSentence, outcomeVerb, skipSentence, sourceSentence } from './sentences.ts';
import { golden } from './testing/golden.ts';

const causes: readonly Cause[] = [
  ...[1, 3, 126, 127, 137, 143, 200].map((code): Cause => ({ kind: 'exit', code })),
  { kind: 'signal', signal: 'SIGSEGV' },
  { kind: 'oom' },
  { kind: 'timeout', limit: 'total', ms: 600_000 },
  { kind: 'timeout', limit: 'silent', ms: 1_500 },
  { kind: 'error', code: 'IMAGE_NOT_FOUND', message: 'there is no image "golang:9".' },
  { kind: 'error', code: 'ENGINE_LOST', message: 'the engine\x1b[2J\nwent away' },
  { kind: 'cancelled' },
  { kind: 'exit', code: 1, part: 'done' },
  { kind: 'timeout', limit: 'total', ms: 5_000, part: 'done' },
];
const outcomes: readonly Outcome[] = ['passed', 'failed', 'errored', 'cancelled', 'skipped'];
const skips: readonly SkipCause[] = [
  ...outcomes.map((outcome): SkipCause => ({ kind: 'need', node: 'build', outcome })),
  { kind: 'condition', node: 'probe', outcome: 'passed' },
  { kind: 'cancelled' },
  { kind: 'stopped', node: 'lint' },
  { kind: 'not-selected' },
];

test('every cause, reason and outcome has a sentence', (t) => {
  golden(t, 'sentences', [
    ...causes.map(causeSentence),
    '',
    ...skips.map((cause) => `Skipped, because ${skipSentence(cause)}.`),
    '',
    ...outcomes.map((outcome) => `build ${outcomeVerb(outcome)}. ${outcomeSentence(outcome)}.`),
    '',
    `Waits for ${gateSentence({ kind: 'person', who: [] })}.`,
    `Waits for ${gateSentence({ kind: 'person', who: ['anna', 'bob'] })}.`,
    `Waits for ${gateSentence({ kind: 'pipeline', pipeline: 'infra' })}.`,
    ...(['approved', 'rejected', 'expired'] as const).map((kind) => decisionSentence({ kind, by: 'anna', at: 0 })),
    '',
    sourceSentence({ commit: 'abc1234def', branch: 'main', changedFiles: 0, files: 3, bytes: 1 }),
    sourceSentence({ commit: 'abc1234def', branch: 'feat/\x1b[31mred', changedFiles: 2, files: 3, bytes: 1 }),
    sourceSentence({ commit: 'abc1234def', changedFiles: 1, files: 3, bytes: 1 }),
    sourceSentence({ changedFiles: 0, files: 3, bytes: 1 }),
  ]);
});

test('what a command said is never called an error, and what we could not do never a failure of the command', () => {
  for (const cause of causes) {
    const text = causeSentence(cause);
    assert.doesNotMatch(text, cause.kind === 'error' ? /command|failed/i : /error/i);
  }
});

test('a message that begins with a name keeps the name as it is', () => {
  const said = (message: string): string => causeSentence({ kind: 'error', code: 'ENGINE_REFUSED', message });
  assert.equal(said('cion-run_01-build-1 is gone'), 'cion-run_01-build-1 is gone (ENGINE_REFUSED)');
  assert.equal(said('ghcr.io/owner/upload:1.2: denied'), 'ghcr.io/owner/upload:1.2: denied (ENGINE_REFUSED)');
  assert.equal(said('.cion.yml is not there'), '.cion.yml is not there (ENGINE_REFUSED)');
  assert.equal(said("the engine's log has a gap"), "The engine's log has a gap (ENGINE_REFUSED)");
});
