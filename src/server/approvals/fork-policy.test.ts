import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Trigger } from '../../run/run-event.ts';
import { memoryApprovedAuthors } from '../../store/memory/memory-approved-authors.ts';
import { defaultSettings, type ProjectSettings } from '../../store/projects.ts';
import { forkPolicy } from './fork-policy.ts';

const pull = (more: Partial<Trigger & { readonly kind: 'pull-request' }> = {}): Trigger => ({
  kind: 'pull-request',
  by: 'eve',
  actor: '7',
  authors: ['7'],
  number: 1,
  ref: 'refs/pull/1/head',
  fork: true,
  ...more,
});

const approvedAuthors = memoryApprovedAuthors();
const policy = forkPolicy({ approvedAuthors, withinMs: 1 });
const asks = (trigger: Trigger, approveForks: ProjectSettings['approveForks'] = defaultSettings.approveForks, name = 'acme/app') =>
  policy.asks({ name, settings: { ...defaultSettings, approveForks } }, trigger);

test('of a project that chose nothing each run of a fork is asked about, and nothing else', async () => {
  assert.equal(await asks(pull()), true);
  for (const trigger of [
    pull({ fork: false }),
    { kind: 'push', by: 'eve', actor: '7', ref: 'refs/heads/main' },
    { kind: 'manual', by: 'ada' },
  ] satisfies readonly Trigger[]) {
    assert.equal(await asks(trigger), false);
  }
});

test('who was approved once is not asked about again where the project chose that, whatever they are called (atk-04)', async () => {
  assert.equal(await asks(pull(), 'first-time'), true);
  await approvedAuthors.add('acme/app', ['7']);
  assert.equal(await asks(pull(), 'first-time'), false);
  assert.equal(await asks(pull(), 'always'), true);
  assert.equal(await asks(pull(), 'first-time', 'acme/other'), true);
  assert.equal(await asks(pull({ authors: ['8'], actor: '8', by: 'eve' }), 'first-time'), true);
});

test('a stranger is asked about also when somebody known opened the pull request, pushed to it or opened it again (atk-11)', async () => {
  const { authors: _untold, ...untold } = pull() as Trigger & { readonly kind: 'pull-request' };
  for (const trigger of [
    pull({ authors: ['7', '8'], actor: '8' }),
    pull({ authors: ['8', '7'], actor: '7' }),
    pull({ authors: ['8'], actor: '7' }),
    pull({ authors: ['7'], actor: '8' }),
    pull({ authors: [] }),
    untold,
  ]) {
    assert.equal(await asks(trigger, 'first-time'), true, JSON.stringify(trigger));
  }
});

test('a project may ask nobody', async () => {
  assert.equal(await asks(pull({ authors: ['8'] }), 'never'), false);
});
