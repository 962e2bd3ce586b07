import { assertNever } from '../../lib/assert-never.ts';
import type { Outcome } from '../../run/outcome.ts';
import { stagesOf } from '../../plan/stage.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import { lastAttempt, tookMs } from './attempt-times.ts';
import {
  approvalWords,
  causeSentence,
  commitWords,
  decisionSentence,
  openGateWords,
  skipSentence,
  sourceSentence,
  subjectWords,
  triggerSentence,
} from './sentences.ts';
import { capital, stepFinished, stepPlace, stepTitle } from './step-words.ts';
import type { Reach } from './suggestions.ts';
import { visible } from './visible.ts';
import { duration, list, sentence, shortDigest } from './words.ts';
import { plural } from '../../lib/quantities.ts';

/** What happened, for people; `node` where it happened to one. */
export type Said = { readonly node?: string; readonly text: string; readonly outcome?: Outcome };

/** `undefined` for what people need not know, and for the end of the run, which has its own summary. */
export const eventSentence = (event: RunEvent, state: RunState, look: Reach = {}): Said | undefined => {
  switch (event.kind) {
    case 'run.created':
      return { text: `Run ${event.number} of ${visible(event.project)}. ${triggerSentence(event.trigger)}.` };
    case 'run.resumed':
      return { text: ['Goes on where the process before this one ended.', ...openGates(state, look)].join(' ') };
    case 'run.rerun':
      return { text: `Runs ${list(event.stages.map((name) => visible(name)))} again. ${triggerSentence(event.trigger)}.` };
    case 'run.cancel-requested':
      return {
        text: `Cancelled by ${visible(event.by)}: ${event.force ? 'running stages are killed' : 'running stages are asked to stop'}.`,
      };
    case 'approval.asked':
      return { text: `Waits for ${approvalWords(event, state, look)}.` };
    case 'approval.decided':
      return { text: `${decisionSentence(event.decision)}.` };
    case 'fetch.finished':
      return {
        text: `Source: ${sourceSentence(event.source)}${event.source.subject === undefined ? '' : `, "${subjectWords(event.source.subject)}"`}`,
      };
    case 'fetch.failed':
      return { text: sentence(visible(event.message)), outcome: event.outcome };
    case 'run.printing':
      return { text: printingWords(event, state) };
    case 'run.planned':
      return { text: `Pipeline ${visible(event.plan.pipeline)}: ${plannedWords(event)}.` };
    case 'stage.queued':
      return event.attempt === 1 ? undefined : { node: event.stage, text: `Tries again (attempt ${event.attempt}).` };
    case 'image.resolved':
      return event.pulled
        ? { node: event.stage, text: `Pulled ${visible(event.reference)} (${shortDigest(visible(event.digest))}).` }
        : undefined;
    case 'stage.started':
      return { node: event.stage, text: `Started${startedImage(event.stage, state)}.` };
    case 'step.started':
      return { node: event.stage, text: `${capital(stepTitle(stepPlace(state.plan, event.stage, event.step), event.step))}.` };
    case 'step.finished':
      return {
        node: event.stage,
        text: stepFinished(event, stepPlace(state.plan, event.stage, event.step), stepTook(event, state)),
        outcome: event.outcome,
      };
    case 'stage.noted':
      return event.aside ? undefined : { node: event.stage, text: `${sentence(visible(event.text))}.` };
    case 'stage.finished':
      return { node: event.stage, text: finishedWords(event, state), outcome: event.outcome };
    case 'stage.skipped':
      return { node: event.stage, text: `Skipped, because ${skipSentence(event.cause)}.`, outcome: 'skipped' };
    case 'gate.opened':
      return { node: event.gate, text: `Waits for ${gateWords(event.gate, state, look)}.` };
    case 'gate.decided':
      return { node: event.gate, text: `${decisionSentence(event.decision)}.`, outcome: state.nodes.get(event.gate)?.outcome ?? 'passed' };
    case 'gate.skipped':
      return { node: event.gate, text: `Skipped, because ${skipSentence(event.cause)}.`, outcome: 'skipped' };
    case 'deployment.recorded':
      return { node: event.stage, text: `Deployed ${deployedWords(event.deployment)} to ${visible(event.deployment.environment)}.` };
    case 'stage.lost':
      return { node: event.stage, text: `Nothing has been heard of its worker ${visible(event.worker)}.` };
    case 'stage.found':
      return { node: event.stage, text: `The worker ${visible(event.worker)} stays with it.` };
    case 'stage.returned':
      return { node: event.stage, text: `Is in the queue again: ${returnedWords(event)}.` };
    case 'run.noted':
    case 'fetch.started':
    case 'source.kept':
    case 'volume.filled':
    case 'volume.kept':
    case 'stage.preparing':
    case 'stage.done-started':
    case 'run.finished':
      return undefined;
    default:
      return assertNever(event);
  }
};

const returnedWords = ({ worker, because }: RunEvent & { kind: 'stage.returned' }): string =>
  because === 'lost' ? `its worker ${visible(worker)} is gone and had not started it` : `the worker ${visible(worker)} gave it back`;

/** Those that have not been run before. */
const printingWords = ({ plan }: RunEvent & { kind: 'run.printing' }, { nodes }: RunState): string => {
  const images = stagesOf(plan).flatMap(({ name, image }) =>
    image.kind === 'reference' && nodes.get(name)?.phase === 'waiting' ? [visible(image.reference)] : [],
  );
  return `Runs ${list(images)} for the stages that ${images.length === 1 ? 'it prints' : 'they print'}.`;
};

const plannedWords = ({ plan, only }: RunEvent & { kind: 'run.planned' }): string => {
  const gates = plan.nodes.filter((node) => node.kind === 'gate').length;
  const words = list([plural(plan.nodes.length - gates, 'stage'), ...(gates === 0 ? [] : [plural(gates, 'gate')])]);
  return only === undefined ? words : `${only.length} of ${words}`;
};

const startedImage = (stage: string, state: RunState): string => {
  const node = state.nodes.get(stage);
  const image = node?.kind === 'stage' ? lastAttempt(node)?.image : undefined;
  return image === undefined ? '' : ` ${visible(image.reference)}`;
};

const finishedWords = (event: RunEvent & { kind: 'stage.finished' }, state: RunState): string => {
  const node = state.nodes.get(event.stage);
  const attempt = node?.kind === 'stage' ? node.attempts.find(({ attempt }) => attempt === event.attempt) : undefined;
  const words = `${sentence(event.outcome)}${attempt === undefined ? '' : ` after ${duration(tookMs(attempt, event.at))}`}.`;
  return event.cause === undefined || event.cause.kind === 'cancelled' ? words : `${words} ${causeSentence(event.cause)}.`;
};

const stepTook = (event: RunEvent & { kind: 'step.finished' }, state: RunState): string => {
  const node = state.nodes.get(event.stage);
  const attempt = node?.kind === 'stage' ? node.attempts.find(({ attempt }) => attempt === event.attempt) : undefined;
  const step = attempt?.steps.find(({ id }) => id === event.step);
  return step === undefined ? '' : duration(event.at - step.startedAt);
};

const gateWords = (gate: string, state: RunState, look: Reach): string => {
  const node = state.plan?.nodes.find(({ name }) => name === gate);
  return node?.kind === 'gate' ? openGateWords(node, state.number, look) : 'a decision';
};

const openGates = (state: RunState, look: Reach): readonly string[] =>
  [...state.nodes.values()]
    .filter(({ kind, phase }) => kind === 'gate' && phase === 'running')
    .map(({ name }) => `${visible(name)} waits for ${gateWords(name, state, look)}.`);

const deployedWords = (deployment: { readonly commit?: string; readonly changedFiles: number }): string =>
  deployment.commit === undefined ? 'files without a commit' : commitWords(deployment.commit, deployment.changedFiles);
