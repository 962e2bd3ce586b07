import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Plan } from '../plan/plan.ts';
import { reference, stage } from '../plan/stage.ts';
import { fold, folding } from '../run/fold.ts';
import { stamped } from '../run/journal.ts';
import type { Cause } from '../run/outcome.ts';
import type { RunEvent, RunFact } from '../run/run-event.ts';
import type { RunState, StageState } from '../run/run-state.ts';
import { decide, type FailurePolicy, indexPlan } from './decide.ts';
import { planOf, randomPlan } from './testing/random-plan.ts';

const image = reference('busybox:latest');
const needing = (name: string, needs: readonly string[], more: Partial<ReturnType<typeof stage>> = {}) =>
  stage({ name, image, needs: needs.map((node) => ({ node, on: 'passed' as const })), ...more });

const beginning = (plan: Plan, only?: readonly string[]): readonly RunFact[] => [
  { kind: 'run.created', run: 'run_1', number: 1, project: 'p', trigger: { kind: 'manual', by: 'test' } },
  { kind: 'fetch.started' },
  { kind: 'fetch.finished', source: { changedFiles: 0, files: 1, bytes: 1 } },
  { kind: 'run.planned', plan, digest: 'sha256:0', ...(only === undefined ? {} : { only }) },
];

type World = {
  readonly events: RunEvent[];
  state(): RunState;
  tell(...facts: readonly RunFact[]): void;
};

/** A run whose stages end when they are told to; every decision is made twice, from what was touched and from all, and must agree. */
const worldOf = (plan: Plan, options: { readonly onFailure?: FailurePolicy; readonly only?: readonly string[] } = {}): World => {
  const indexed = indexPlan(plan);
  const folded = folding();
  const events: RunEvent[] = [];
  const current = (): RunState => {
    const state = folded.state();
    assert.ok(state);
    return state;
  };
  const settle = (touched: ReadonlySet<string> | 'all'): void => {
    const rules = { onFailure: options.onFailure ?? 'continue', now: events.length } as const;
    const decided = decide(indexed, current(), rules, touched);
    const fromAll = decide(indexed, current(), rules, 'all');
    assert.deepEqual(
      new Set(decided.facts.map((fact) => JSON.stringify(fact))),
      new Set(fromAll.facts.map((fact) => JSON.stringify(fact))),
    );
    if (decided.facts.length > 0) add(decided.facts);
  };
  const add = (facts: readonly RunFact[]): void => {
    const added = stamped(facts, events.length, events.length);
    for (const event of added) {
      folded.add(event);
      events.push(event);
    }
    settle(
      added.some(({ kind }) => kind === 'run.planned' || kind === 'run.cancel-requested' || kind === 'run.rerun')
        ? 'all'
        : new Set(added.flatMap((event) => ('stage' in event ? [event.stage] : 'gate' in event ? [event.gate] : []))),
    );
  };
  add(beginning(plan, options.only));
  return { events, state: current, tell: (...facts) => add(facts) };
};

const stageIn = (world: World, name: string): StageState => {
  const node = world.state().nodes.get(name);
  assert.ok(node?.kind === 'stage');
  return node;
};
const underWay = (world: World): readonly string[] =>
  [...world.state().nodes.values()]
    .filter((node) => node.kind === 'stage' && (node.phase === 'queued' || node.phase === 'running'))
    .map((node) => node.name);

const end = (world: World, name: string, outcome: 'passed' | 'failed' | 'errored' | 'cancelled', cause: Cause = causeOf(outcome)): void => {
  const attempt = stageIn(world, name).attempts.length;
  if (stageIn(world, name).phase === 'queued') world.tell({ kind: 'stage.started', stage: name, attempt, container: 'c' });
  world.tell({ kind: 'stage.finished', stage: name, attempt, outcome, ...(outcome === 'passed' ? {} : { cause }) });
};
const causeOf = (outcome: string): Cause =>
  outcome === 'errored'
    ? { kind: 'error', code: 'ENGINE_LOST', message: 'gone' }
    : outcome === 'cancelled'
      ? { kind: 'cancelled' }
      : { kind: 'exit', code: 1 };

describe('decide', () => {
  it('queues a stage as soon as its own needs passed, whatever else still runs', () => {
    const world = worldOf(
      planOf([needing('slow', []), needing('quick', []), needing('after-quick', ['quick']), needing('join', ['slow', 'after-quick'])]),
    );
    assert.deepEqual(underWay(world), ['slow', 'quick']);
    end(world, 'quick', 'passed');
    assert.deepEqual(underWay(world), ['slow', 'after-quick']);
    end(world, 'after-quick', 'passed');
    assert.deepEqual(underWay(world), ['slow']);
    end(world, 'slow', 'passed');
    end(world, 'join', 'passed');
    assert.equal(world.state().outcome, 'passed');
  });

  it('skips what needs a failed stage and names it as the cause, while independent stages go on (R-CIO-13)', () => {
    const world = worldOf(
      planOf([needing('build', []), needing('release', ['build']), needing('notify', ['release']), needing('lint', [])]),
    );
    end(world, 'build', 'failed', { kind: 'exit', code: 3 });
    assert.deepEqual(stageIn(world, 'release').skip, { kind: 'need', node: 'build', outcome: 'failed' });
    assert.deepEqual(stageIn(world, 'notify').skip, { kind: 'need', node: 'release', outcome: 'skipped' });
    assert.deepEqual(underWay(world), ['lint']);
    end(world, 'lint', 'passed');
    assert.equal(world.state().outcome, 'failed');
  });

  it('with the policy "finish" starts nothing new after a failure but clean-up, with "stop" asks what runs to end', () => {
    const nodes = [
      needing('a', []),
      needing('b', []),
      needing('c', ['b']),
      stage({
        name: 'clean',
        image,
        always: true,
        needs: [
          { node: 'c', on: 'finished' },
          { node: 'a', on: 'finished' },
        ],
      }),
    ];
    const finishing = worldOf(planOf(nodes), { onFailure: 'finish' });
    end(finishing, 'a', 'failed');
    assert.deepEqual(stageIn(finishing, 'c').skip, { kind: 'stopped', node: 'a' });
    assert.equal(stageIn(finishing, 'clean').phase, 'queued');
    const stopping = worldOf(planOf(nodes), { onFailure: 'stop' });
    stopping.tell({ kind: 'stage.started', stage: 'b', attempt: 1, container: 'c' });
    end(stopping, 'a', 'failed');
    const decided = decide(indexPlan(planOf(nodes)), stopping.state(), { onFailure: 'stop', now: 0 }, 'all');
    assert.deepEqual(decided.stop, ['b']);
  });

  it('runs one of two branches by a probe, and the join after them; the run stays green', () => {
    const world = worldOf(
      planOf([
        needing('exists', [], { mayFail: true }),
        needing('update', ['exists']),
        stage({ name: 'create', image, needs: [{ node: 'exists', on: 'failed' }] }),
        needing('use', ['update', 'create']),
      ]),
    );
    end(world, 'exists', 'failed');
    assert.deepEqual(stageIn(world, 'update').skip, { kind: 'condition', node: 'exists', outcome: 'failed' });
    end(world, 'create', 'passed');
    end(world, 'use', 'passed');
    assert.equal(world.state().outcome, 'passed');
  });

  it('does not take a probe that errored for a no: the run errors', () => {
    const world = worldOf(
      planOf([
        needing('exists', [], { mayFail: true }),
        needing('update', ['exists']),
        stage({ name: 'create', image, needs: [{ node: 'exists', on: 'failed' }] }),
      ]),
    );
    end(world, 'exists', 'errored');
    assert.equal(stageIn(world, 'create').outcome, 'skipped');
    assert.equal(world.state().outcome, 'errored');
  });

  /** a, then b and c, then d; `tidy` cleans up after b, however it ended. */
  const diamond = () => [
    needing('a', []),
    needing('b', ['a']),
    needing('c', ['a']),
    needing('d', ['b', 'c']),
    stage({ name: 'tidy', image, always: true, needs: [{ node: 'b', on: 'finished' }] }),
  ];

  it('after a failure in a diamond finishes or stops what runs by the policy, skips what needs it, cleans up (R-DCK-50)', () => {
    const table = [
      { onFailure: 'continue', stopped: [], c: 'passed' },
      { onFailure: 'finish', stopped: [], c: 'passed' },
      { onFailure: 'stop', stopped: ['c'], c: 'cancelled' },
    ] as const;
    for (const { onFailure, stopped, c } of table) {
      const world = worldOf(planOf(diamond()), { onFailure });
      end(world, 'a', 'passed');
      for (const name of ['b', 'c']) world.tell({ kind: 'stage.started', stage: name, attempt: 1, container: name });
      end(world, 'b', 'failed');
      assert.deepEqual(decide(indexPlan(planOf(diamond())), world.state(), { onFailure, now: 0 }, 'all').stop, stopped);
      end(world, 'c', c);
      end(world, 'tidy', 'passed');
      const ends = Object.fromEntries([...world.state().nodes.values()].map((node) => [node.name, node.outcome]));
      assert.deepEqual(ends, { a: 'passed', b: 'failed', c, d: 'skipped', tidy: 'passed' }, onFailure);
      assert.equal(world.state().outcome, 'failed');
    }
  });

  it('cleans up after a stage that passed, failed, errored, was cancelled or skipped (R-DCK-56)', () => {
    for (const outcome of ['passed', 'failed', 'errored', 'cancelled'] as const) {
      const world = worldOf(planOf(diamond()));
      end(world, 'a', 'passed');
      world.tell({ kind: 'stage.started', stage: 'b', attempt: 1, container: 'b' });
      if (outcome === 'cancelled') world.tell({ kind: 'run.cancel-requested', by: 'me', force: false });
      end(world, 'b', outcome);
      assert.equal(stageIn(world, 'tidy').phase, 'queued', outcome);
    }
    const world = worldOf(planOf(diamond()));
    end(world, 'a', 'failed');
    assert.equal(stageIn(world, 'tidy').phase, 'queued');
  });

  it('reports a clean-up that fails, and beside it the first failure (R-DCK-57)', () => {
    const world = worldOf(planOf(diamond()));
    end(world, 'a', 'passed');
    end(world, 'b', 'failed', { kind: 'exit', code: 3 });
    end(world, 'c', 'passed');
    end(world, 'tidy', 'failed', { kind: 'exit', code: 9 });
    assert.equal(world.state().outcome, 'failed');
    assert.deepEqual(stageIn(world, 'b').attempts[0]?.cause, { kind: 'exit', code: 3 });
    assert.deepEqual(stageIn(world, 'tidy').attempts[0]?.cause, { kind: 'exit', code: 9 });
    assert.deepEqual(stageIn(world, 'd').skip, { kind: 'need', node: 'b', outcome: 'failed' });
  });

  it('by a probe that passed runs update and skips create, by one that said no the other way, and both are green (R-DCK-61, R-DCK-62)', () => {
    const nodes = [
      needing('exists', [], { mayFail: true }),
      needing('update', ['exists']),
      stage({ name: 'create', image, needs: [{ node: 'exists', on: 'failed' }] }),
    ];
    for (const [answer, runs, skips] of [
      ['passed', 'update', 'create'],
      ['failed', 'create', 'update'],
    ] as const) {
      const world = worldOf(planOf(nodes));
      end(world, 'exists', answer);
      assert.deepEqual(underWay(world), [runs]);
      assert.deepEqual(stageIn(world, skips).skip, { kind: 'condition', node: 'exists', outcome: answer });
      end(world, runs, 'passed');
      assert.equal(world.state().outcome, 'passed');
    }
  });

  it('tries again only for the causes named, as often as allowed, and says because of what', () => {
    const world = worldOf(planOf([needing('flaky', [], { retry: { attempts: 3, on: ['failed'] } }), needing('next', ['flaky'])]));
    end(world, 'flaky', 'failed', { kind: 'exit', code: 7 });
    assert.deepEqual(stageIn(world, 'flaky').attempts.at(-1)?.because, { kind: 'exit', code: 7 });
    assert.equal(stageIn(world, 'next').phase, 'waiting');
    end(world, 'flaky', 'failed', { kind: 'timeout', limit: 'total', ms: 5 });
    assert.equal(stageIn(world, 'flaky').attempts.length, 2);
    assert.equal(stageIn(world, 'next').outcome, 'skipped');
  });

  it('does not try again what a re-run has skipped, whatever became of it before', () => {
    const flaky = needing('flaky', ['base'], { retry: { attempts: 2, on: ['failed'] } });
    const world = worldOf(planOf([needing('base', []), flaky]));
    end(world, 'base', 'passed');
    world.tell({ kind: 'stage.started', stage: 'flaky', attempt: 1, container: 'c' });
    world.tell({ kind: 'run.cancel-requested', by: 'me', force: false });
    end(world, 'flaky', 'failed');
    world.tell({ kind: 'run.rerun', stages: ['base', 'flaky'], trigger: { kind: 'manual', by: 'me' } });
    end(world, 'base', 'failed');
    assert.equal(stageIn(world, 'flaky').outcome, 'skipped');
    assert.equal(stageIn(world, 'flaky').attempts.length, 1);
    assert.equal(world.state().outcome, 'failed');
  });

  it('skips what waits when the run is cancelled, lets clean-up run, and not even that when forced', () => {
    const nodes = [
      needing('deploy', []),
      needing('later', ['deploy']),
      stage({ name: 'undo', image, always: true, needs: [{ node: 'deploy', on: 'finished' }] }),
    ];
    const world = worldOf(planOf(nodes));
    world.tell({ kind: 'stage.started', stage: 'deploy', attempt: 1, container: 'c' });
    world.tell({ kind: 'run.cancel-requested', by: 'me', force: false });
    assert.deepEqual(stageIn(world, 'later').skip, { kind: 'cancelled' });
    assert.deepEqual(decide(indexPlan(planOf(nodes)), world.state(), { onFailure: 'continue', now: 0 }, 'all').stop, ['deploy']);
    end(world, 'deploy', 'cancelled');
    assert.equal(stageIn(world, 'undo').phase, 'queued');
    world.tell({ kind: 'run.cancel-requested', by: 'me', force: true });
    end(world, 'undo', 'cancelled');
    assert.equal(world.state().outcome, 'cancelled');
  });

  it('runs what runs always also when what it needs was skipped, and what only waits for an end not', () => {
    const finished = [{ node: 'deploy', on: 'finished' as const }];
    const world = worldOf(
      planOf([
        needing('build', []),
        needing('deploy', ['build']),
        stage({ name: 'tidy', image, always: true, needs: finished }),
        stage({ name: 'report', image, needs: finished }),
      ]),
    );
    end(world, 'build', 'failed');
    assert.equal(stageIn(world, 'report').outcome, 'skipped');
    end(world, 'tidy', 'passed');
    assert.equal(world.state().outcome, 'failed');
  });

  it('does not call a run cancelled whose stage was stopped because another failed or errored', () => {
    for (const [outcome, onFailure] of [
      ['errored', 'finish'],
      ['failed', 'stop'],
    ] as const) {
      const world = worldOf(planOf([needing('a', []), needing('b', [])]), { onFailure });
      end(world, 'a', outcome);
      world.tell({ kind: 'stage.finished', stage: 'b', attempt: 1, outcome: 'cancelled', cause: { kind: 'cancelled' } });
      assert.equal(world.state().outcome, outcome);
    }
  });

  it('leaves out what is not selected and takes its needs as met', () => {
    const world = worldOf(planOf([needing('build', []), needing('release', ['build'])]), { only: ['release'] });
    assert.deepEqual(underWay(world), ['release']);
    end(world, 'release', 'passed');
    assert.equal(world.state().outcome, 'passed');
  });

  it('opens a gate when its needs are met, holds what needs it, and lets it expire', () => {
    const plan: Plan = {
      ...planOf([needing('build', [])]),
      nodes: [
        needing('build', []),
        { kind: 'gate', name: 'ok', needs: [{ node: 'build', on: 'passed' }], waitsFor: { kind: 'person', who: [] }, timeoutMs: 10 },
        needing('release', ['ok']),
      ],
    };
    const world = worldOf(plan);
    end(world, 'build', 'passed');
    assert.equal(world.state().nodes.get('ok')?.phase, 'running');
    assert.equal(stageIn(world, 'release').phase, 'waiting');
    const opened = world.state().nodes.get('ok');
    const late = decide(
      indexPlan(plan),
      world.state(),
      { onFailure: 'continue', now: (opened?.kind === 'gate' ? (opened.openedAt ?? 0) : 0) + 10 },
      ['ok'],
    );
    assert.equal(late.facts[0]?.kind, 'gate.decided');
    world.tell({ kind: 'gate.decided', gate: 'ok', decision: { kind: 'rejected', by: 'eve', at: 1 } });
    assert.deepEqual(stageIn(world, 'release').skip, { kind: 'need', node: 'ok', outcome: 'failed' });
  });
});

describe('decide and fold, over random plans, outcomes and orders', () => {
  const script = fc.array(
    fc.record({
      pick: fc.nat(),
      outcome: fc.constantFrom('passed' as const, 'passed' as const, 'passed' as const, 'failed' as const, 'errored' as const),
      cancel: fc.nat(60),
    }),
    { minLength: 60, maxLength: 60 },
  );
  const policy = fc.constantFrom<FailurePolicy>('continue', 'finish', 'stop');

  const play = (
    plan: Plan,
    steps: readonly { readonly pick: number; readonly outcome: 'passed' | 'failed' | 'errored'; readonly cancel: number }[],
    onFailure: FailurePolicy,
    check: (world: World) => void,
  ): World => {
    const world = worldOf(plan, { onFailure });
    for (const step of steps) {
      if (world.state().phase === 'finished') break;
      check(world);
      const names = underWay(world);
      assert.ok(names.length > 0, 'a run that has not finished has something under way');
      const name = names[step.pick % names.length] ?? '';
      if (step.cancel === 0 && world.state().cancel === undefined) world.tell({ kind: 'run.cancel-requested', by: 'test', force: false });
      else end(world, name, step.outcome);
    }
    return world;
  };

  it('never starts a stage before its needs have ended as asked, and starts it as soon as they have', () => {
    fc.assert(
      fc.property(randomPlan(), script, policy, (plan, steps, onFailure) => {
        play(plan, steps, onFailure, (world) => {
          for (const node of plan.nodes) {
            const own = stageIn(world, node.name);
            const needs = node.needs.map((need) => ({ need, state: stageIn(world, need.node) }));
            if (own.attempts.length > 0) {
              for (const { need, state } of needs) {
                assert.equal(state.phase, 'finished', `${node.name} ran before ${need.node} ended`);
                const asked =
                  need.on === 'finished' || state.outcome === need.on || (state.outcome === 'skipped' && state.skip?.kind === 'condition');
                assert.ok(asked, `${node.name} ran although ${need.node} ended ${state.outcome}`);
              }
            } else if (own.phase === 'waiting') {
              assert.ok(
                needs.some(({ state }) => state.phase !== 'finished'),
                `${node.name} waits for nothing`,
              );
            }
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  it('always ends, each attempt once, never more attempts than allowed, with one end of the run', () => {
    fc.assert(
      fc.property(randomPlan(), script, policy, (plan, steps, onFailure) => {
        const world = play(plan, steps, onFailure, () => {});
        assert.equal(world.state().phase, 'finished');
        assert.equal(world.events.filter((event) => event.kind === 'run.finished').length, 1);
        const queued = world.events.flatMap((event) => (event.kind === 'stage.queued' ? [`${event.stage}/${event.attempt}`] : []));
        assert.equal(new Set(queued).size, queued.length);
        for (const node of plan.nodes) {
          if (node.kind === 'stage') assert.ok(stageIn(world, node.name).attempts.length <= node.retry.attempts);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('folds the same events to the same state in any batches', () => {
    fc.assert(
      fc.property(randomPlan(), script, (plan, steps) => {
        const world = play(plan, steps, 'continue', () => {});
        assert.deepEqual(fold(world.events), world.state());
        assert.deepEqual(fold(JSON.parse(JSON.stringify(world.events)) as readonly RunEvent[]), world.state());
      }),
      { numRuns: 100 },
    );
  });
});
