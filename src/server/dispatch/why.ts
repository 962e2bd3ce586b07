import { causeText } from '../../engine/cause.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { limit } from '../../lib/quantities.ts';
import type { Gate, Need, PlanNode } from '../../plan/plan.ts';
import type { SkipCause } from '../../run/outcome.ts';
import { openApproval } from '../../run/open-approval.ts';
import type { ApprovalState, AttemptState, GateState, NodeState, RunState, StageState } from '../../run/run-state.ts';
import type { QueueItem } from '../../store/queue.ts';
import { itemId } from './item-id.ts';
import { whyQueued, type WorkerSeen } from './why-queued.ts';

export type { WorkerSeen } from './why-queued.ts';

/** What is asked to explain: a run as it is, and the queue and the workers of that moment. */
export type Explained = {
  readonly state: RunState;
  readonly queue: readonly QueueItem[];
  readonly workers: readonly WorkerSeen[];
  /** Who has what is recorded of no worker: "a worker" where nothing is said. */
  readonly where?: string;
};

/** Why the run is where it is, in a sentence. */
export const explainRun = (state: RunState): string => {
  const { phase, outcome, cancel, fetch, plan, printing, openNodes } = state;
  const waits = openApproval(state);
  if (waits !== undefined) return approvalText(state, waits);
  if (phase === 'finished') {
    const { kind, by, reason } = state.approval?.decision ?? {};
    const again = `"cion rerun ${state.number} --server" asks anew`;
    if (kind === 'expired') return `Nobody approved it in time, and it has ended: ${outcome}. ${again}.`;
    if (kind === 'rejected') {
      return `It was rejected by ${by} and has ended: ${outcome}${reason === undefined ? '' : ` (${reason})`}. ${again}.`;
    }
    if (fetch.outcome === 'failed' || fetch.outcome === 'errored')
      return `It has ${fetch.outcome}: ${(fetch.message ?? 'its files cannot be had').replace(/\.$/, '')}.`;
    return cancel === undefined ? `It has ended: ${outcome}.` : `It was cancelled by ${cancel.by} and has ended: ${outcome}.`;
  }
  if (plan === undefined && printing !== undefined && openNodes > 0) {
    return `Images print what it is made of: ${openNodes === 1 ? 'one has' : `${openNodes} have`} not ended.`;
  }
  if (plan === undefined) {
    if (fetch.phase === 'queued') return 'It waits until its commit is fetched.';
    return fetch.phase === 'running' ? 'Its commit is being fetched.' : 'Its configuration is being read.';
  }
  if (cancel !== undefined) return `It was cancelled by ${cancel.by}, and ${openNodes} of its stages and gates have not ended.`;
  return `It is under way: ${openNodes} of its stages and gates have not ended.`;
};

const approvalText = ({ number, project }: RunState, { commit, until }: ApprovalState): string =>
  `It waits for approval, for its commit ${commit.slice(0, 12)} comes from a fork, and nothing of it is fetched before: ` +
  `an owner or writer of ${project} whose change it is not can approve or reject it ("cion approve ${number} --server") ` +
  `until ${new Date(until).toISOString()}; then it ends.`;

/** Why each stage and gate of a run is where it is, in a sentence, by its name and in the plan's order, after what prints that; for every state that there is. Pure. */
export const explain = (given: Explained): ReadonlyMap<string, string> => {
  const { plan, printing, nodes } = given.state;
  const texts = [...(printing?.nodes ?? []), ...(plan?.nodes ?? [])].flatMap((node): readonly (readonly [string, string])[] => {
    const own = nodes.get(node.name);
    return own === undefined ? [] : [[node.name, textOf(given, node, own)]];
  });
  return new Map(texts);
};

const textOf = (given: Explained, node: PlanNode, own: NodeState): string => {
  if (own.phase === 'waiting') return `${waits(given.state, node)}.`;
  if (own.kind === 'stage') return `${stageText(given, own)}.`;
  return `${node.kind === 'gate' ? gateText(node, own) : ''}.`;
};

const stageText = (given: Explained, own: StageState): string => {
  if (own.skip !== undefined) return `Skipped: ${skipText(own.skip)}`;
  const attempt = own.attempts.at(-1);
  if (attempt === undefined) return 'It has not begun';
  const again = attempt.attempt === 1 ? '' : `${againText(attempt)}. `;
  return `${again}${attemptText(given, own, attempt)}`;
};

const againText = ({ attempt, because }: AttemptState): string =>
  because === undefined
    ? `This is attempt ${attempt}: somebody asked for it`
    : `This is attempt ${attempt}, because of the one before: ${causeText(because)}`;

const attemptText = (given: Explained, { name }: StageState, attempt: AttemptState): string => {
  const { state, queue, workers } = given;
  const worker = attempt.worker ?? given.where ?? 'a worker';
  if (attempt.phase !== 'finished' && attempt.lostSince !== undefined) {
    return `Nothing has been heard of ${worker}, which runs it. If it does not come back soon, the attempt will have errored (WORKER_LOST)`;
  }
  switch (attempt.phase) {
    case 'queued':
      return whyQueued(itemId({ run: state.run, stage: name, attempt: attempt.attempt }), queue, workers);
    case 'preparing':
      return `${worker} makes it ready: images, volumes, services${stopText(state)}`;
    case 'running':
      return `${attempt.done === undefined ? 'It runs' : 'Its command has passed, its "done" runs'} on ${worker}${stopText(state)}`;
    case 'finished':
      return endText(attempt);
    default:
      return assertNever(attempt.phase);
  }
};

const stopText = ({ cancel }: RunState): string => (cancel === undefined ? '' : `; the run was cancelled by ${cancel.by}`);

const endText = ({ outcome, cause, worker }: AttemptState): string => {
  const where = worker === undefined ? '' : ` on ${worker}`;
  if (outcome === 'passed') return `It has passed${where}`;
  if (outcome === 'cancelled') return worker === undefined ? 'Cancelled before anybody had begun it' : `Cancelled while ${worker} had it`;
  return `It has ${outcome ?? 'ended'}${where}${cause === undefined ? '' : `: ${causeText(cause)}`}`;
};

const waits = ({ nodes }: RunState, node: PlanNode): string => {
  const open = node.needs.filter((need) => nodes.get(need.node)?.phase !== 'finished');
  if (open.length === 0) return 'It is about to be looked at';
  return `It waits for ${listed(open.map((need) => needText(need, nodes.get(need.node))))}`;
};

const needText = ({ node, on }: Need, own: NodeState | undefined): string => {
  if (own?.kind === 'gate') return `a decision about ${quoted(node)}`;
  switch (on) {
    case 'passed':
      return `${quoted(node)} to pass`;
    case 'failed':
      return `${quoted(node)} to fail`;
    case 'finished':
      return `${quoted(node)} to end`;
    default:
      return assertNever(on);
  }
};

const gateText = (gate: Gate, own: GateState): string => {
  if (own.skip !== undefined) return `Skipped: ${skipText(own.skip)}`;
  if (own.decision === undefined) return openText(gate);
  const { kind, by, reason } = own.decision;
  const because = reason === undefined ? '' : `: ${reason}`;
  switch (kind) {
    case 'approved':
      return `Approved by ${by}${because}`;
    case 'rejected':
      return `Rejected by ${by}${because}`;
    case 'expired':
      return 'Nobody decided before its time was over';
    default:
      return assertNever(kind);
  }
};

const openText = ({ waitsFor, timeoutMs }: Gate): string => {
  const end = timeoutMs === undefined ? '' : `, for at most ${limit(timeoutMs)}`;
  if (waitsFor.kind === 'pipeline')
    return `It waits until ${quoted(waitsFor.pipeline)} passes, by a run that ends after this one began${end}`;
  return `It waits until ${waitsFor.who.length === 0 ? 'somebody' : listed(waitsFor.who, 'or')} approves or rejects it${end}`;
};

const skipText = (cause: SkipCause): string => {
  switch (cause.kind) {
    case 'need':
      return cause.outcome === 'skipped'
        ? `it needs ${quoted(cause.node)}, which was skipped`
        : `it needs ${quoted(cause.node)}, which ended otherwise: ${cause.outcome}`;
    case 'condition':
      return `it is for the other case: ${quoted(cause.node)} ended ${cause.outcome}`;
    case 'cancelled':
      return 'the run was cancelled before it began';
    case 'stopped':
      return `the run stops at its first failure, which was ${quoted(cause.node)}`;
    case 'not-selected':
      return 'this run is about other stages';
    default:
      return assertNever(cause);
  }
};

const quoted = (name: string): string => JSON.stringify(name);

const listed = (parts: readonly string[], word = 'and'): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} ${word} ${parts.at(-1)}`;
