import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Trigger } from '../../run/run-event.ts';
import { aboutRun, isGivenToRun, isGivenToStage, isUntrusted } from './who-is-given.ts';

const by = 'ada';
const main = 'refs/heads/main';
const triggers: readonly Trigger[] = [
  { kind: 'manual', by },
  { kind: 'push', by, ref: main },
  { kind: 'tag', by, ref: 'refs/tags/v1' },
  { kind: 'pull-request', by, number: 7, ref: 'refs/pull/7/head', fork: false },
  { kind: 'schedule', by, schedule: 'nightly', at: 0 },
  { kind: 'package', by, package: 'p', oldVersion: '1', newVersion: '2' },
  { kind: 'pipeline', by, pipeline: 'other', run: 'run_1' },
];
const fork: Trigger = { kind: 'pull-request', by, number: 7, ref: 'refs/pull/7/head', fork: true };
const scope = { pipelines: [], branches: [], environments: [], triggers: [] };

test('a secret that is limited to pushes is given to no tag, schedule, pull request or person who runs the same commit (atk-41)', () => {
  const limited = { kind: 'secret', scope: { ...scope, triggers: ['push'] } } as const;
  const given = triggers.filter((trigger) => isGivenToRun(limited, aboutRun(trigger, 'build', { branch: 'main' })));
  assert.deepEqual(
    given.map(({ kind }) => kind),
    ['push'],
  );
});

test('a run of a pull request from a fork is given no secret and no identity, however wide they are, also when somebody starts it (atk-13)', () => {
  for (const trigger of [
    fork,
    { kind: 'manual', by, ref: 'refs/pull/7/head' },
    { kind: 'manual', by, ref: 'refs/merge-requests/7/head' },
  ] as const) {
    assert.equal(isUntrusted(trigger), true);
    for (const kind of ['secret', 'identity'] as const) {
      const wide = { kind, scope: { ...scope, triggers: ['pull-request', 'manual'] } } as const;
      assert.equal(isGivenToRun(wide, aboutRun(trigger, 'build', { branch: 'main' })), false);
    }
    assert.equal(isGivenToRun({ kind: 'variable', scope }, aboutRun(trigger, 'build', undefined)), true);
  }
  assert.deepEqual(triggers.filter(isUntrusted), []);
});

test('limits to branches and pipelines hold, and a run without a branch is on none', () => {
  const limited = { kind: 'secret', scope: { ...scope, branches: ['release/*', '!release/old'], pipelines: ['deploy'] } } as const;
  const about = (pipeline: string, branch?: string) =>
    aboutRun({ kind: 'push', by, ref: main }, pipeline, branch === undefined ? {} : { branch });
  assert.equal(isGivenToRun(limited, about('deploy', 'release/1')), true);
  assert.equal(isGivenToRun(limited, about('deploy', 'release/old')), false);
  assert.equal(isGivenToRun(limited, about('deploy', 'main')), false);
  assert.equal(isGivenToRun(limited, about('build', 'release/1')), false);
  assert.equal(isGivenToRun(limited, about('deploy')), false);
});

test('a limit to environments holds for each stage', () => {
  const limited = { ...scope, environments: ['production'] };
  assert.deepEqual(
    ['production', 'staging', undefined].map((environment) => isGivenToStage(limited, environment)),
    [true, false, false],
  );
  assert.equal(isGivenToStage(scope, undefined), true);
});
