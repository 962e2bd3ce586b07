import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Plan } from '../../plan/plan.ts';
import { fold } from '../../run/fold.ts';
import { stamped } from '../../run/journal.ts';
import type { Outcome, SkipCause } from '../../run/outcome.ts';
import type { RunFact } from '../../run/run-event.ts';
import type { QueueItem } from '../../store/queue.ts';
import { gateOf, planOf, plannedFacts, stageOf } from './testing/served.ts';
import { explain, explainRun } from './why.ts';

const plan = planOf([stageOf('build'), gateOf('ask', ['build'], { timeoutMs: 1000 }), stageOf('ship', ['ask', 'build'])]);
const created: RunFact = { kind: 'run.created', run: 'run_1', number: 1, project: 'acme/app', trigger: { kind: 'manual', by: 'eve' } };
const about = { stage: 'build', attempt: 1 } as const;
const stateAfter = (facts: readonly RunFact[], of: Plan = plan) => {
  const state = fold(stamped([created, ...plannedFacts(of), ...facts], 0, 0));
  assert.ok(state);
  return state;
};
const why = (
  node: string,
  facts: readonly RunFact[],
  more: { readonly queue?: readonly QueueItem[]; readonly of?: Plan; readonly slots?: number } = {},
) => {
  const workers = [
    { name: 'w1', labels: ['arm'], slots: more.slots ?? 1, isConnected: true },
    { name: 'w2', labels: ['gpu'], slots: 1, isConnected: false },
  ];
  return explain({ state: stateAfter(facts, more.of), queue: more.queue ?? [], workers }).get(node);
};

const queued: RunFact = { kind: 'stage.queued', ...about };
const preparing: RunFact = { kind: 'stage.preparing', ...about, worker: 'w1' };
const started: RunFact = { kind: 'stage.started', ...about, container: 'c' };
const ended = (outcome: Exclude<Outcome, 'skipped'>): RunFact => ({
  kind: 'stage.finished',
  ...about,
  outcome,
  ...(outcome === 'passed' ? {} : { cause: { kind: 'exit', code: 3 } }),
});
const item = (more: Partial<QueueItem> = {}): QueueItem => ({
  id: 'run_1/build/1',
  run: 'run_1',
  stage: 'build',
  attempt: 1,
  project: 'acme/app',
  pipeline: 'cion',
  priority: 0,
  labels: [],
  at: 0,
  ...more,
});
const other = (more: Partial<QueueItem> = {}): QueueItem => item({ id: 'run_0/x/1', run: 'run_0', stage: 'x', ...more });
const claim = { worker: 'w1', token: 1, until: 0, at: 0 };

describe('why a stage or a gate is where it is', () => {
  it('is said for every phase of a stage', () => {
    const said: readonly (readonly [RegExp, readonly RunFact[]])[] = [
      [/queue/, [queued]],
      [/w1 makes it ready/, [queued, preparing]],
      [/^It runs on w1\.$/, [queued, preparing, started]],
      [/"done" runs on w1/, [queued, preparing, started, { kind: 'stage.done-started', ...about, container: 'd' }]],
      [/Nothing has been heard of w1.*WORKER_LOST/, [queued, preparing, started, { kind: 'stage.lost', ...about, worker: 'w1' }]],
      [
        /It runs on w1/,
        [queued, preparing, started, { kind: 'stage.lost', ...about, worker: 'w1' }, { kind: 'stage.found', ...about, worker: 'w1' }],
      ],
      [/queue/, [queued, preparing, { kind: 'stage.returned', ...about, worker: 'w1', because: 'lost' }]],
      [/runs on w1; the run was cancelled by eve/, [queued, preparing, started, { kind: 'run.cancel-requested', by: 'eve', force: false }]],
      [/It has passed on w1/, [queued, preparing, started, ended('passed')]],
      [/It has failed on w1: exit code 3/, [queued, preparing, started, ended('failed')]],
      [/It has errored on w1: exit code 3/, [queued, preparing, started, ended('errored')]],
      [/Cancelled while w1 had it/, [queued, preparing, started, ended('cancelled')]],
      [/Cancelled before anybody had begun it/, [queued, ended('cancelled')]],
      [
        /attempt 2, because of the one before: exit code 3\. .*queue/,
        [queued, ended('failed'), { kind: 'stage.queued', stage: 'build', attempt: 2, because: { kind: 'exit', code: 3 } }],
      ],
      [/attempt 2: somebody asked for it/, [queued, ended('failed'), { kind: 'stage.queued', stage: 'build', attempt: 2 }]],
    ];
    for (const [text, facts] of said) assert.match(why('build', facts) ?? '', text);
  });

  it('is said for every way to be queued', () => {
    const said: readonly (readonly [RegExp, readonly QueueItem[], number?])[] = [
      [/on its way/, []],
      [/w1 has just taken it/, [item({ claim })]],
      [/it is the next/, [item()]],
      [/1 is before it/, [other(), item()], 2],
      [/2 are before it/, [other(), other(), item()], 2],
      [/all workers that may take it are busy/, [other({ claim }), item()]],
      [/no connected worker has the labels gpu/, [item({ labels: ['gpu'] })]],
      [/queued for w2, which has its image and is not connected/, [item({ worker: 'w2' })]],
      [
        /room in "environment acme\/app production".*x of run_0/,
        [
          other({ claim, group: { name: 'environment acme/app production', limit: 1 } }),
          item({ group: { name: 'environment acme/app production', limit: 1 } }),
        ],
      ],
    ];
    for (const [text, queue, slots] of said)
      assert.match(why('build', [queued], { queue, ...(slots === undefined ? {} : { slots }) }) ?? '', text);
    const state = stateAfter([queued]);
    assert.match(explain({ state, queue: [item()], workers: [] }).get('build') ?? '', /no worker is connected/);
  });

  it('is said for every cause of a skip, of stages and of gates', () => {
    const causes: Readonly<Record<SkipCause['kind'], readonly [SkipCause, RegExp]>> = {
      need: [{ kind: 'need', node: 'build', outcome: 'failed' }, /needs "build", which ended otherwise: failed/],
      condition: [{ kind: 'condition', node: 'build', outcome: 'passed' }, /other case: "build" ended passed/],
      cancelled: [{ kind: 'cancelled' }, /cancelled before it began/],
      stopped: [{ kind: 'stopped', node: 'build' }, /first failure, which was "build"/],
      'not-selected': [{ kind: 'not-selected' }, /about other stages/],
    };
    for (const [cause, text] of Object.values(causes)) {
      assert.match(why('ship', [{ kind: 'stage.skipped', stage: 'ship', cause }]) ?? '', text);
      assert.match(why('ask', [{ kind: 'gate.skipped', gate: 'ask', cause }]) ?? '', text);
    }
  });

  it('is said for every phase of a gate, and for what waits', () => {
    const opened: RunFact = { kind: 'gate.opened', gate: 'ask' };
    const decided = (kind: 'approved' | 'rejected' | 'expired'): RunFact => ({
      kind: 'gate.decided',
      gate: 'ask',
      decision: { kind, by: 'eve', at: 0, reason: 'it is late' },
    });
    assert.equal(why('ask', []), 'It waits for "build" to pass.');
    assert.equal(why('ship', []), 'It waits for a decision about "ask" and "build" to pass.');
    assert.match(why('ask', [opened]) ?? '', /somebody approves or rejects it, for at most 1 s\./);
    assert.equal(why('ask', [opened, decided('approved')]), 'Approved by eve: it is late.');
    assert.equal(why('ask', [opened, decided('rejected')]), 'Rejected by eve: it is late.');
    assert.match(why('ask', [opened, decided('expired')]) ?? '', /before its time was over/);
    const pipeline = planOf([
      gateOf('lib', [], { waitsFor: { kind: 'pipeline', pipeline: 'acme/lib' } }),
      gateOf('boss', [], { waitsFor: { kind: 'person', who: ['ann', 'bob'] } }),
    ]);
    assert.match(why('lib', [{ kind: 'gate.opened', gate: 'lib' }], { of: pipeline }) ?? '', /until "acme\/lib" passes/);
    assert.match(why('boss', [{ kind: 'gate.opened', gate: 'boss' }], { of: pipeline }) ?? '', /ann or bob approves/);
    const conditions = planOf([
      stageOf('probe'),
      stageOf('a', [], { needs: [{ node: 'probe', on: 'failed' }] }),
      stageOf('b', [], { needs: [{ node: 'probe', on: 'finished' }] }),
    ]);
    assert.equal(why('a', [], { of: conditions }), 'It waits for "probe" to fail.');
    assert.equal(why('b', [], { of: conditions }), 'It waits for "probe" to end.');
    assert.equal(why('probe', [], { of: conditions }), 'It is about to be looked at.');
  });

  it('is said of the run in each of its phases', () => {
    const run = (facts: readonly RunFact[]): string => {
      const state = fold(stamped([created, ...facts], 0, 0));
      return state === undefined ? '' : explainRun(state);
    };
    const fetched: RunFact = { kind: 'fetch.finished', source: { changedFiles: 0, files: 1, bytes: 1 } };
    assert.match(run([]), /waits until its commit is fetched/);
    assert.match(run([{ kind: 'fetch.started' }]), /is being fetched/);
    assert.match(run([{ kind: 'fetch.started' }, fetched]), /configuration is being read/);
    assert.match(
      run([
        { kind: 'fetch.failed', outcome: 'failed', message: 'no such commit.', problems: [] },
        { kind: 'run.finished', outcome: 'failed' },
      ]),
      /failed: no such commit\.$/,
    );
    assert.match(run(plannedFacts(plan)), /under way: 3 of its/);
    const cancel: RunFact = { kind: 'run.cancel-requested', by: 'eve', force: false };
    assert.match(run([...plannedFacts(plan), cancel]), /cancelled by eve, and 3/);
    assert.match(
      run([...plannedFacts(plan), cancel, { kind: 'run.finished', outcome: 'cancelled' }]),
      /cancelled by eve and has ended: cancelled/,
    );
    assert.match(run([...plannedFacts(plan), { kind: 'run.finished', outcome: 'passed' }]), /has ended: passed/);
  });
});
