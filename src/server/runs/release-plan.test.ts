import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Stage } from '../../plan/plan.ts';
import { validatePlan } from '../../plan/validate.ts';
import { fold } from '../../run/fold.ts';
import type { RunFact } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import { digest, gateOf, plannedFacts, planOf, stageOf } from '../dispatch/testing/served.ts';
import { outputsOfRelease, releasePlan, releaseStages } from './release-plan.ts';

const bare = (digit: string): string => digit.repeat(64);
const volume = (name: string, access: 'read-write' | 'read-only' = 'read-write') =>
  ({ kind: 'volume', volume: name, path: `/${name}`, access }) as const;

/** Each stage in its order passed and left what is said of it. */
const ended = (stages: readonly Stage[], left: Readonly<Record<string, readonly RunFact[]>>): RunState => {
  const plan = planOf(
    [gateOf('ship'), ...stages],
    [
      { name: 'work', from: 'source' },
      { name: 'out', from: 'empty' },
    ],
  );
  const facts: RunFact[] = [
    { kind: 'run.created', run: 'run_1', number: 1, project: 'acme/app', trigger: { kind: 'manual', by: 'eve' } },
    ...plannedFacts(plan),
  ];
  for (const { name, deploys } of stages) {
    const of = { stage: name, attempt: 1 };
    facts.push({ kind: 'stage.queued', ...of }, ...(left[name] ?? []));
    if (!left[name]?.some(({ kind }) => kind === 'stage.finished')) facts.push({ kind: 'stage.finished', ...of, outcome: 'passed' });
    if (deploys === undefined) continue;
    const image = { reference: 'busybox:1', digest: digest('a') };
    facts.push({
      kind: 'deployment.recorded',
      stage: name,
      deployment: { environment: deploys.environment, changedFiles: 0, image, at: 1 },
    });
  }
  return fold(facts.map((fact, i) => ({ seq: i + 1, at: i, ...fact }))) ?? assert.fail();
};
const kept = (stage: string, name: string, digit: string): RunFact => ({
  kind: 'volume.kept',
  stage,
  attempt: 1,
  volume: name,
  tree: digest(digit),
  bytes: 1,
});
const deploys = { environment: 'live' };
const only = (state: RunState, outputs: Readonly<Record<string, string>> = {}) =>
  releasePlan(state, 'live', new Map(Object.entries(outputs)));
const stageIn = (plan: { readonly nodes: readonly unknown[] }, at = 0): Stage => plan.nodes[at] as Stage;

describe('the plan of a release that runs again', () => {
  it('has the stages that deployed there alone, and no gate', () => {
    const state = ended(
      [
        stageOf('build', ['ship']),
        stageOf('a', ['build'], { deploys }),
        stageOf('b', ['a'], { deploys }),
        stageOf('c', [], { deploys: { environment: 'test' } }),
      ],
      {},
    );
    const { plan } = only(state);
    assert.deepEqual(
      plan.nodes.map(({ name, needs }) => [name, needs.map(({ node }) => node)]),
      [
        ['a', []],
        ['b', ['a']],
      ],
    );
    assert.deepEqual(validatePlan(plan), []);
    assert.throws(() => releasePlan(state, 'moon', new Map()), { code: 'RELEASE_UNKNOWN' });
  });

  it('mounts what the stages before had left, and what they were left as they began where nobody wrote', () => {
    const state = ended(
      [
        stageOf('build', [], { mounts: [volume('work')] }),
        stageOf('a', ['build'], { deploys, mounts: [volume('work'), volume('out', 'read-only')] }),
        stageOf('b', ['a'], { deploys, mounts: [volume('work', 'read-only')] }),
      ],
      { build: [kept('build', 'work', '1')], a: [kept('a', 'work', '2')] },
    );
    const { plan, trees, isSourceNeeded } = only(state);
    assert.deepEqual(plan.volumes, [
      { name: 'work', from: { tree: bare('1') } },
      { name: 'out', from: 'empty' },
    ]);
    assert.deepEqual([trees.length, isSourceNeeded], [1, false]);
    // What a leaves is not what it left then: it runs again, and b sees that.
    assert.deepEqual(stageIn(plan, 1).mounts, [volume('work', 'read-only')]);
    assert.equal(only(ended([stageOf('a', [], { deploys, mounts: [volume('work')] })], {})).isSourceNeeded, true);
  });

  it('mounts the artifacts of a stage as a volume of their tree, with the zip of the same files beside it', () => {
    const mounts = [{ kind: 'artifacts', stage: 'build', path: '/in' }] as const;
    const left: RunFact = { kind: 'stage.finished', stage: 'build', attempt: 1, outcome: 'passed', tree: { volume: 'build@1.artifacts' } };
    const stages = [stageOf('build'), stageOf('a', ['build'], { deploys, mounts })];
    const { plan, trees } = only(ended(stages, { build: [kept('build', 'build@1.artifacts', '3'), left] }));
    assert.deepEqual(stageIn(plan).mounts, [{ kind: 'volume', volume: 'build-files', path: '/in', access: 'read-only' }]);
    assert.deepEqual(trees, [{ volume: 'build-files', tree: bare('3'), zip: { stage: 'build' } }]);
    assert.throws(() => only(ended(stages, { build: [left] })), { code: 'RELEASE_GONE' });
  });

  it('is given what others printed as values: trimmed in variables, exact in files', () => {
    const output = { kind: 'output', stage: 'build' } as const;
    const state = ended(
      [stageOf('build'), stageOf('a', ['build'], { deploys, env: { V: output }, files: [{ path: '/v', value: output }] })],
      {},
    );
    assert.deepEqual(outputsOfRelease(releaseStages(state, 'live')), ['build']);
    const { env, files } = stageIn(only(state, { build: 'v1\n' }).plan);
    assert.deepEqual(
      [env.V, files[0]?.value],
      [
        { kind: 'literal', value: 'v1' },
        { kind: 'literal', value: 'v1\n' },
      ],
    );
  });

  it('says of the run what was so of the one that deployed: its id is in what it deployed', () => {
    const value = { kind: 'run', parts: ['app:', { is: 'id' }] } as const;
    const state: RunState = { ...ended([stageOf('a', [], { deploys, env: { V: value } })], {}), circumstances: { id: 'run_1' } };
    assert.deepEqual(stageIn(only(state).plan).env, { V: { kind: 'literal', value: 'app:run_1' } });
  });

  it('runs the image that ran, whatever its tag means by now, and none that was only on a worker', () => {
    const resolved: RunFact = {
      kind: 'image.resolved',
      stage: 'a',
      attempt: 1,
      reference: 'busybox:1',
      digest: digest('4'),
      pulled: false,
    };
    const pinned = only(ended([stageOf('a', [], { deploys })], { a: [resolved] }));
    assert.deepEqual(stageIn(pinned.plan).image, { kind: 'reference', reference: `busybox:1@${digest('4')}` });
    const made: RunFact = {
      kind: 'stage.finished',
      stage: 'build',
      attempt: 1,
      outcome: 'passed',
      image: { reference: 'registry.example/app:1', digest: digest('5') },
    };
    const of = (push: object): RunState =>
      ended(
        [
          stageOf('build', [], { commit: { names: ['registry.example/app:1'], ...push } }),
          stageOf('a', ['build'], { deploys, image: { kind: 'stage', stage: 'build' } }),
        ],
        { build: [made] },
      );
    assert.deepEqual(stageIn(only(of({ push: true })).plan).image, {
      kind: 'reference',
      reference: `registry.example/app:1@${digest('5')}`,
    });
    assert.throws(() => only(of({})), { code: 'RELEASE_GONE', message: /the image that "build" made/ });
  });
});
