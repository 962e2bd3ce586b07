import type { PlanNode } from '../../plan/plan.ts';
import { stageOfLog } from '../../plan/stage.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { NodeState, RunState } from '../../run/run-state.ts';
import type { LogChunk, PrepareNote } from '../../runtimes/runtime.ts';
import { type LogTail, logTail } from './log-tail.ts';
import type { Progress, ProgressRow } from './progress-view.ts';
import { openGateWords } from './sentences.ts';
import { stepPlace, stepTitle } from './step-words.ts';
import { visible } from './visible.ts';
import { list } from './words.ts';
import { size } from '../../lib/quantities.ts';

export type RunProgress = {
  event(event: RunEvent, state: RunState): void;
  log(stage: string, chunk: LogChunk): void;
  note(stage: string, note: PrepareNote): void;
  /** For a screen of so many rows. */
  view(rows: number): Progress;
  /** Whether something runs, so that the picture moves. */
  isMoving(): boolean;
  tail(stage: string): LogTail | undefined;
};

/** What a picture of a run under way needs to know; each event costs the same, however many stages there are. */
export const runProgress = (): RunProgress => {
  let head: Head = { title: '', startedAt: 0, total: 0, finished: 0 };
  let nodes = new Map<string, PlanNode>();
  const active = new Map<string, Active>();
  const queued = new Set<string>();
  const gates = new Map<string, number>();
  const waiting = new Set<string>();
  const preparations = new Map<string, Preparation>();
  let planOf: RunState['plan'];
  let number = 0;

  const place = (node: NodeState, at: number): void => {
    const { name } = node;
    queued.delete(name);
    waiting.delete(name);
    gates.delete(name);
    if (node.kind === 'gate') {
      if (node.phase === 'running') gates.set(name, node.openedAt ?? at);
      else if (node.phase !== 'finished') waiting.add(name);
      return;
    }
    const attempt = node.attempts.at(-1);
    if (node.phase !== 'finished' && (attempt?.phase === 'preparing' || attempt?.phase === 'running')) {
      const known = active.get(name);
      const isSame = known?.attempt === attempt.attempt;
      const { phase } = attempt;
      const since = isSame && known.phase === phase ? known.since : (attempt.startedAt ?? at);
      const step = attempt.steps.findLast((step) => step.phase === 'running')?.id;
      active.set(name, {
        attempt: attempt.attempt,
        phase,
        since,
        tail: isSame ? known.tail : undefined,
        ...(step === undefined ? {} : { step }),
      });
      return;
    }
    active.delete(name);
    if (node.phase === 'queued') queued.add(name);
    else if (node.phase === 'waiting') waiting.add(name);
    else preparations.delete(name);
  };
  const rebuild = (state: RunState, at: number): void => {
    planOf = state.plan;
    nodes = new Map(state.plan?.nodes.map((node) => [node.name, node]));
    for (const node of state.nodes.values()) if (state.only?.has(node.name) ?? true) place(node, at);
  };
  const isOpen = (name: string): boolean => waiting.has(name) || queued.has(name) || active.has(name) || gates.has(name);
  const rowsOf = function* (): Generator<ProgressRow> {
    for (const [name, stage] of active) {
      const row = activeRow(nodes.get(name), name, stage, preparations.get(name));
      yield stage.step === undefined ? row : { ...row, step: stepTitle(stepPlace(planOf, name, stage.step), stage.step) };
    }
    for (const [name, since] of gates) yield { name: visible(name), kind: 'gate', since, text: gateText(nodes.get(name), number) };
    for (const name of queued) yield { name: visible(name), kind: 'queued', ...preparing(preparations.get(name), 'Queued') };
    for (const name of waiting) {
      const after = new Set(
        nodes
          .get(name)
          ?.needs.map((need) => need.node)
          .filter(isOpen),
      );
      const text = after.size === 0 ? '' : `After ${list([...after].map((need) => visible(need)))}`;
      yield { name: visible(name), kind: 'waiting', ...preparing(preparations.get(name), text) };
    }
  };
  return {
    event: (event, state) => {
      const isFirst = head.title === '';
      number = state.number;
      const doing = doingWords(event, state, head.doing);
      head = {
        title: `Run ${state.number}`,
        startedAt: isFirst || event.kind === 'run.rerun' ? event.at : head.startedAt,
        total: state.only?.size ?? state.nodes.size,
        finished: (state.only?.size ?? state.nodes.size) - Math.min(state.openNodes, state.only?.size ?? state.openNodes),
        ...(doing === undefined ? {} : { doing }),
      };
      if (planOf !== state.plan || event.kind === 'run.rerun') rebuild(state, event.at);
      const name = 'stage' in event ? event.stage : 'gate' in event ? event.gate : undefined;
      const node = name === undefined ? undefined : state.nodes.get(name);
      if (node !== undefined) place(node, event.at);
    },
    log: (stage, chunk) => {
      const running = active.get(stage) ?? active.get(stageOfLog(stage));
      if (running === undefined) return;
      running.tail ??= logTail();
      running.tail.add(chunk);
    },
    note: (stage, note) => preparations.set(stage, noted(preparations.get(stage) ?? { pulls: new Map(), ready: new Set() }, note)),
    view: (rows) => {
      const most = Math.max(active.size + gates.size + 3, Math.floor(rows / 2));
      const shown = rowsOf().take(Math.min(most, rows)).toArray();
      const all = active.size + gates.size + queued.size + waiting.size;
      const running = Math.max(0, active.size - shown.length);
      return { ...head, rows: shown, more: { running, waiting: all - shown.length - running } };
    },
    isMoving: () => active.size > 0,
    tail: (stage) => active.get(stage)?.tail,
  };
};

type Head = Pick<Progress, 'title' | 'startedAt' | 'total' | 'finished' | 'doing'>;
type Active = {
  readonly attempt: number;
  readonly phase: 'preparing' | 'running';
  readonly since: number;
  tail: LogTail | undefined;
  readonly step?: string;
};
type Preparation = {
  readonly pulls: Map<string, { readonly done: number; readonly total: number }>;
  readonly ready: Set<string>;
  build?: string;
};

const noted = (known: Preparation, note: PrepareNote): Preparation => {
  switch (note.kind) {
    case 'pulling':
      known.pulls.set(note.reference, { done: note.doneBytes, total: note.totalBytes });
      return known;
    case 'building':
      known.build = note.line;
      return known;
    case 'resolved':
      known.pulls.delete(note.image.reference);
      delete known.build;
      return known;
    case 'service-ready':
      known.ready.add(note.service);
      return known;
  }
};

const activeRow = (node: PlanNode | undefined, name: string, { phase, since, tail }: Active, preparation?: Preparation): ProgressRow => {
  const row = { name: visible(name), kind: phase, since };
  if (phase === 'running')
    return { ...row, text: tail?.lastLine() ?? (node?.kind === 'stage' && node.sensitive ? 'Its log is not kept' : '') };
  const services = node?.kind === 'stage' ? node.services.filter((service) => !preparation?.ready.has(service.name)) : [];
  const text = services.length === 0 ? 'Prepares its container' : `Waits for ${list(services.map((service) => visible(service.name)))}`;
  return { ...row, ...preparing(preparation, text) };
};

const preparing = (preparation: Preparation | undefined, otherwise: string): Pick<ProgressRow, 'text' | 'bar'> => {
  const pulls = [...(preparation?.pulls ?? [])];
  if (pulls.length === 0) return { text: preparation?.build === undefined ? otherwise : `Builds its image: ${visible(preparation.build)}` };
  const done = pulls.reduce((sum, [, pull]) => sum + pull.done, 0);
  const total = pulls.reduce((sum, [, pull]) => sum + pull.total, 0);
  const text = `Pulls ${list(pulls.map(([reference]) => visible(reference)))}`;
  return total === 0 ? { text } : { bar: { done, total }, text: `${size(done)} of ${size(total)}  ${text}` };
};

const gateText = (node: PlanNode | undefined, run: number): string =>
  node?.kind === 'gate' ? `Waits for ${openGateWords(node, run)}` : '';

const doingWords = (event: RunEvent, state: RunState, before: string | undefined): string | undefined => {
  if (state.cancel !== undefined) return state.cancel.force ? 'Kills what runs' : 'Stops; once more to kill what runs';
  if (event.kind === 'fetch.started') return 'Reads the commit';
  if (state.plan === undefined) return before;
  return state.openNodes === 0 ? 'Cleans up' : undefined;
};
