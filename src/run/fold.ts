import type { Plan } from '../plan/plan.ts';
import type { Phase } from './outcome.ts';
import type { RunEvent } from './run-event.ts';
import type { AttemptState, FetchState, GateState, NodeState, RunState, StageState, StepState } from './run-state.ts';

/**
 * The state that a run's events amount to. Pure and total over any list that begins with `run.created`; the same events give the same
 * state, whatever the batches. Long runs fold in place: see `folding`.
 */
export const fold = (events: Iterable<RunEvent>): RunState | undefined => {
  const folded = folding();
  for (const event of events) folded.add(event);
  return folded.state();
};

/** A fold that goes on: `add` is amortised O(1), so that 100,000 stages stay linear. `state()` sees what was added so far and may be kept only until the next `add`. */
export type Folding = { add(event: RunEvent): void; state(): RunState | undefined };

export const folding = (): Folding => {
  let state: Folded | undefined;
  return {
    add: (event) => {
      if (event.kind === 'run.created') state = created(event);
      else if (state !== undefined) apply(state, event);
    },
    state: () => state,
  };
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Folded = Mutable<Omit<RunState, 'nodes' | 'filledVolumes' | 'deployments' | 'failures'>> & {
  nodes: Map<string, NodeState>;
  filledVolumes: Set<string>;
  failures: Set<string>;
  deployments: Mutable<RunState['deployments']>;
};

const created = (event: RunEvent & { kind: 'run.created' }): Folded => ({
  run: event.run,
  number: event.number,
  project: event.project,
  trigger: event.trigger,
  createdAt: event.at,
  phase: 'queued',
  fetch: { phase: 'queued' },
  nodes: new Map(),
  filledVolumes: new Set(),
  deployments: [],
  openNodes: 0,
  failures: new Set(),
  lastSeq: event.seq,
});

const apply = (state: Folded, event: Exclude<RunEvent, { kind: 'run.created' }>): void => {
  state.lastSeq = event.seq;
  switch (event.kind) {
    case 'run.resumed':
      return;
    case 'run.noted':
      if (!event.aside) state.notes = withNote(state.notes, event.text);
      return;
    case 'stage.noted':
      if (event.aside) return;
      return onAttempt(state, event, undefined, (attempt) => ({ ...attempt, notes: withNote(attempt.notes, event.text) }));
    case 'run.rerun':
      state.phase = 'running';
      delete state.outcome;
      delete state.finishedAt;
      delete state.cancel;
      state.filledVolumes = new Set();
      for (const name of event.stages) {
        const node = state.nodes.get(name);
        if (node !== undefined) replace(state, reopened(node));
      }
      return;
    case 'approval.asked':
      state.phase = 'waiting';
      state.approval = { commit: event.commit, askedAt: event.at, until: event.until };
      return;
    case 'approval.decided':
      if (state.phase === 'waiting') state.phase = 'queued';
      if (state.approval !== undefined) state.approval = { ...state.approval, decision: event.decision };
      return;
    case 'run.cancel-requested':
      state.cancel = { by: event.by, force: event.force };
      return;
    case 'run.finished':
      state.phase = 'finished';
      state.outcome = event.outcome;
      state.finishedAt = event.at;
      if (state.fetch.phase === 'running') state.fetch = { ...state.fetch, phase: 'finished', outcome: 'cancelled', finishedAt: event.at };
      return;
    case 'fetch.started':
      state.phase = 'running';
      state.fetch = { phase: 'running', startedAt: event.at };
      return;
    case 'fetch.finished':
      state.fetch = { ...state.fetch, phase: 'finished', outcome: 'passed', finishedAt: event.at, source: event.source };
      return;
    case 'fetch.failed':
      state.fetch = failedFetch(state.fetch, event);
      return;
    case 'run.planned':
      state.phase = 'running';
      state.plan = event.plan;
      state.digest = event.digest;
      if (event.only !== undefined) state.only = new Set(event.only);
      if (event.circumstances !== undefined) state.circumstances = event.circumstances;
      state.nodes = new Map([...printed(state), ...waitingNodes(event.plan)]);
      state.openNodes = event.plan.nodes.length;
      return;
    case 'run.printing':
      state.printing = event.plan;
      state.nodes = new Map([...waitingNodes(event.plan), ...state.nodes]);
      state.openNodes = [...state.nodes.values()].filter(({ phase }) => phase !== 'finished').length;
      return;
    case 'source.kept':
      state.sourceTree = event.tree;
      return;
    case 'volume.filled':
      state.filledVolumes.add(event.volume);
      return;
    case 'stage.queued':
      return onStage(state, event.stage, (stage) => ({
        ...withoutEnd(stage),
        phase: 'queued',
        rerun: false,
        attempts: [
          ...stage.attempts,
          {
            attempt: event.attempt,
            phase: 'queued',
            queuedAt: event.at,
            steps: [],
            ...(event.because === undefined ? {} : { because: event.because }),
          },
        ],
      }));
    case 'stage.preparing':
      return onAttempt(state, event, 'queued', (attempt) => ({
        ...attempt,
        phase: 'preparing',
        ...(event.worker === undefined ? {} : { worker: event.worker }),
      }));
    case 'stage.lost':
      return onAttempt(state, event, undefined, (attempt) => ({ ...attempt, worker: event.worker, lostSince: event.at }));
    case 'stage.found':
      return onAttempt(state, event, undefined, ({ lostSince: _over, ...attempt }) => ({ ...attempt, worker: event.worker }));
    case 'stage.returned':
      return onAttempt(state, event, 'queued', returned);
    case 'volume.kept':
      return onAttempt(state, event, undefined, (attempt) => ({
        ...attempt,
        keptVolumes: { ...attempt.keptVolumes, [event.volume]: event.tree },
      }));
    case 'image.resolved':
      return onAttempt(state, event, undefined, (attempt) => ({
        ...attempt,
        image: {
          reference: event.reference,
          digest: event.digest,
          pulled: event.pulled,
          ...(event.ofRegistry === undefined ? {} : { ofRegistry: event.ofRegistry }),
        },
      }));
    case 'stage.started':
      return onAttempt(state, event, 'running', (attempt) => ({
        ...attempt,
        phase: 'running',
        startedAt: attempt.startedAt ?? event.at,
        container: event.container,
      }));
    case 'step.started':
      return onAttempt(state, event, undefined, (attempt) => ({
        ...attempt,
        steps: [...attempt.steps, { id: event.step, phase: 'running', startedAt: event.at, log: event.log }],
      }));
    case 'step.finished':
      return onAttempt(state, event, undefined, (attempt) => ({
        ...attempt,
        steps: attempt.steps.map((step) => (step.id === event.step ? finishedStep(step, event) : step)),
      }));
    case 'stage.done-started':
      return onAttempt(state, event, 'running', (attempt) => ({
        ...attempt,
        done: { startedAt: attempt.done?.startedAt ?? event.at, container: event.container },
        ...(event.output === undefined ? {} : { output: event.output }),
      }));
    case 'stage.finished':
      return onStage(state, event.stage, (stage) => ({
        ...stage,
        phase: 'finished',
        outcome: event.outcome,
        attempts: stage.attempts.map((attempt) => (attempt.attempt === event.attempt ? finished(attempt, event) : attempt)),
      }));
    case 'stage.skipped':
      return onStage(state, event.stage, (stage) => ({ ...stage, phase: 'finished', outcome: 'skipped', skip: event.cause, rerun: false }));
    case 'gate.opened':
      return onGate(state, event.gate, (gate) => ({ ...gate, phase: 'running', openedAt: event.at }));
    case 'gate.decided':
      return onGate(state, event.gate, (gate) => ({
        ...gate,
        phase: 'finished',
        outcome: event.decision.kind === 'approved' ? 'passed' : 'failed',
        finishedAt: event.at,
        decision: event.decision,
      }));
    case 'gate.skipped':
      return onGate(state, event.gate, (gate) => ({
        ...gate,
        phase: 'finished',
        outcome: 'skipped',
        finishedAt: event.at,
        skip: event.cause,
      }));
    case 'deployment.recorded':
      state.deployments = [...state.deployments, { ...event.deployment, stage: event.stage }];
      return;
    default:
      // An event of a newer cion means nothing to this one; the journal keeps it.
      event satisfies never;
  }
};

const mostNotes = 20;
const longestNote = 1000;

const withNote = (notes: readonly string[] = [], text: string): readonly string[] => {
  const note = text.length > longestNote ? `${text.slice(0, longestNote)}...` : text;
  return notes.length >= mostNotes || notes.includes(note) ? notes : [...notes, note];
};

const failedFetch = (fetch: FetchState, event: RunEvent & { kind: 'fetch.failed' }): FetchState => ({
  ...fetch,
  phase: 'finished',
  outcome: event.outcome,
  finishedAt: event.at,
  message: event.message,
  problems: event.problems,
});

/** A plan that came twice leaves nothing of the first. */
const printed = ({ nodes, printing }: Folded): readonly [string, NodeState][] =>
  (printing?.nodes ?? []).flatMap(({ name }): [string, NodeState][] => {
    const node = nodes.get(name);
    return node === undefined ? [] : [[name, node]];
  });

const waitingNodes = (plan: Plan): Map<string, NodeState> =>
  new Map(
    plan.nodes.map((node): [string, NodeState] => [
      node.name,
      node.kind === 'stage'
        ? { kind: 'stage', name: node.name, phase: 'waiting', attempts: [], rerun: false }
        : { kind: 'gate', name: node.name, phase: 'waiting' },
    ]),
  );

const reopened = (node: NodeState): NodeState => {
  if (node.kind === 'gate') return { kind: 'gate', name: node.name, phase: 'waiting' };
  return { ...withoutEnd(node), phase: 'waiting', rerun: node.attempts.length > 0 };
};

const withoutEnd = (stage: StageState): Omit<StageState, 'outcome' | 'skip'> => {
  const { outcome: _outcome, skip: _skip, ...rest } = stage;
  return rest;
};

/** What was recorded of it was never so. */
const returned = ({
  lostSince: _lost,
  worker: _worker,
  startedAt: _startedAt,
  container: _container,
  ...attempt
}: AttemptState): AttemptState => ({
  ...attempt,
  phase: 'queued',
});

const finished = (attempt: AttemptState, event: RunEvent & { kind: 'stage.finished' }): AttemptState => ({
  ...attempt,
  phase: 'finished',
  finishedAt: event.at,
  outcome: event.outcome,
  ...(event.cause === undefined ? {} : { cause: event.cause }),
  ...(event.output === undefined ? {} : { output: event.output }),
  ...(event.artifacts === undefined ? {} : { artifacts: event.artifacts }),
  ...(event.stepArtifacts === undefined ? {} : { stepArtifacts: event.stepArtifacts }),
  ...(event.tree === undefined ? {} : { tree: event.tree }),
  ...(event.image === undefined ? {} : { committed: event.image }),
});

const finishedStep = (step: StepState, event: RunEvent & { kind: 'step.finished' }): StepState => ({
  ...step,
  phase: 'finished',
  outcome: event.outcome,
  finishedAt: event.at,
  ...(event.exitCode === undefined ? {} : { exitCode: event.exitCode }),
  ...(event.cause === undefined ? {} : { cause: event.cause }),
  ...(event.message === undefined ? {} : { message: event.message }),
  ...(event.numbers === undefined ? {} : { numbers: event.numbers }),
  ...(event.image === undefined ? {} : { image: event.image }),
});

const onStage = (state: Folded, name: string, change: (stage: StageState) => StageState): void => {
  const node = state.nodes.get(name);
  if (node?.kind === 'stage') replace(state, change(node));
};

const onGate = (state: Folded, name: string, change: (gate: GateState) => GateState): void => {
  const node = state.nodes.get(name);
  if (node?.kind === 'gate') replace(state, change(node));
};

const replace = (state: Folded, node: NodeState): void => {
  const wasOpen = state.nodes.get(node.name)?.phase !== 'finished';
  const isOpen = node.phase !== 'finished';
  state.openNodes += Number(isOpen) - Number(wasOpen);
  if (node.outcome === 'failed' || node.outcome === 'errored') state.failures.add(node.name);
  else state.failures.delete(node.name);
  state.nodes.set(node.name, node);
};

const onAttempt = (
  state: Folded,
  event: { readonly stage: string; readonly attempt: number },
  phase: Phase | undefined,
  change: (attempt: AttemptState) => AttemptState,
): void =>
  onStage(state, event.stage, (stage) => ({
    ...stage,
    ...(phase === undefined ? {} : { phase }),
    attempts: stage.attempts.map((attempt) => (attempt.attempt === event.attempt ? change(attempt) : attempt)),
  }));
