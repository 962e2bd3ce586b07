import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fold } from '../../run/fold.ts';
import { newsOf } from './run-news.ts';

const whyOf = (code: string): string | undefined => {
  const state = fold([
    { seq: 1, at: 1, kind: 'run.created', run: 'run_1', number: 1, project: 'acme/app', trigger: { kind: 'manual', by: 'ada' } },
    { seq: 2, at: 2, kind: 'fetch.started' },
    { seq: 3, at: 3, kind: 'fetch.failed', outcome: 'failed', message: 'no', problems: [{ code, message: 'no' }] },
    { seq: 4, at: 4, kind: 'run.finished', outcome: 'failed' },
  ]);
  assert.ok(state);
  const [news] = newsOf(state);
  return news?.kind === 'finished' ? news.notPassed[0]?.why : undefined;
};

test('a run that never had a plan is told with what was wrong, in words of ours', () => {
  assert.deepEqual(['SOURCE_REF_GONE', 'SOURCE_UNKNOWN_COMMIT', 'SOURCE_DENIED', 'CONFIG_MISSING', 'STEP_UNKNOWN'].map(whyOf), [
    'its branch or tag is not in the repository',
    'its commit is not in the repository',
    'its repository cannot be read',
    'it has no configuration',
    'its configuration is wrong',
  ]);
});
