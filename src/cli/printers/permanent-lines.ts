import type { Plan } from '../../plan/plan.ts';
import { doneName } from '../../plan/stage.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Outcome } from '../../run/outcome.ts';
import { tookMs } from './attempt-times.ts';
import { eventSentence } from './event-sentence.ts';
import { cut, padEnd, padStart, widest } from './fit.ts';
import type { LogTail } from './log-tail.ts';
import type { Look } from './look.ts';
import { causeSentence, decisionSentence, skipSentence } from './sentences.ts';
import { stepPlace } from './step-words.ts';
import { logCommand } from './suggestions.ts';
import { visible } from './visible.ts';
import { duration } from './words.ts';
import { plural } from '../../lib/quantities.ts';

/** What stays on the screen of an event: ends, and the news about the run as a whole. */
export const permanentLines = (event: RunEvent, state: RunState, tail: LogTail | undefined, nameColumns: number, look: Look): string[] => {
  const ended = (name: string, outcome: Outcome, time: string, text: string): string => {
    const paint = look.palette.outcome[outcome];
    const shown = padEnd(cut(visible(name), nameColumns, look.glyphs.ellipsis), nameColumns);
    return `${paint(look.glyphs.outcome[outcome])} ${shown}  ${padStart(time, timeColumns)}${text === '' ? '' : `  ${text}`}`.trimEnd();
  };
  switch (event.kind) {
    case 'stage.finished': {
      const attempt = attemptOf(event, state);
      const took = attempt === undefined ? '' : duration(tookMs(attempt, event.at));
      const line = ended(event.stage, event.outcome, took, stageWords(event, look));
      const isTold = event.outcome === 'failed' || event.outcome === 'errored';
      if (!isTold || attempt?.startedAt === undefined) return [line];
      const planned = state.plan?.nodes.find(({ name }) => name === event.stage);
      if (planned?.kind !== 'stage' || planned.sensitive || (planned.mayFail && event.outcome === 'failed')) return [line];
      const log = event.cause?.part === 'done' ? doneName(event.stage) : event.stage;
      const command = logCommand(state.number, log, planned.retry.attempts > 1 || event.attempt > 1 ? event.attempt : undefined, look);
      return [line, ...logEnd(tail, look), `  ${look.palette.quiet('Whole log:')} ${look.palette.accent(command)}`];
    }
    case 'stage.skipped':
      return event.cause.kind === 'not-selected' ? [] : [ended(event.stage, 'skipped', '', skipped(skipSentence(event.cause), look))];
    case 'gate.skipped':
      return event.cause.kind === 'not-selected' ? [] : [ended(event.gate, 'skipped', '', skipped(skipSentence(event.cause), look))];
    case 'gate.decided':
      return [ended(event.gate, state.nodes.get(event.gate)?.outcome ?? 'passed', '', decisionSentence(event.decision))];
    case 'run.created':
      return [look.palette.strong(`Run ${event.number} of ${visible(event.project)}`)];
    case 'step.finished': {
      const isReported = event.outcome !== 'passed' && stepPlace(state.plan, event.stage, event.step)?.isAfter === true;
      const said = isReported ? eventSentence(event, state, look) : undefined;
      return said === undefined ? [] : [look.palette.warning(`${look.glyphs.warning} ${visible(event.stage)}: ${said.text}`)];
    }
    case 'stage.noted':
    case 'stage.queued':
    case 'run.resumed':
    case 'run.rerun':
    case 'run.cancel-requested':
    case 'approval.asked':
    case 'approval.decided':
    case 'fetch.finished':
    case 'fetch.failed': {
      const said = eventSentence(event, state, look);
      if (said === undefined) return [];
      const text = said.node === undefined ? said.text : `${visible(said.node)}: ${said.text}`;
      return [said.outcome === undefined ? look.palette.quiet(text) : look.palette.outcome[said.outcome](text)];
    }
    default:
      return [];
  }
};

/** How wide the column of names has to be. */
export const nameColumnsOf = (plan: Plan | undefined): number =>
  Math.min(widestName, widest((plan?.nodes ?? []).map((node) => visible(node.name))));

const widestName = 28;
const timeColumns = 7;
const linesOfLog = 20;

const attemptOf = (event: RunEvent & { kind: 'stage.finished' }, state: RunState) => {
  const node = state.nodes.get(event.stage);
  return node?.kind === 'stage' ? node.attempts.find(({ attempt }) => attempt === event.attempt) : undefined;
};

const stageWords = ({ attempt, outcome, cause, artifacts }: RunEvent & { kind: 'stage.finished' }, { palette, glyphs }: Look): string => {
  const files = artifacts?.files.filter(({ path }) => !path.endsWith('/')).length ?? 0;
  const words = [
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(outcome === 'cancelled' ? ['cancelled'] : []),
    ...(cause === undefined || cause.kind === 'cancelled' ? [] : [causeSentence(cause)]),
    ...(files === 0 ? [] : [plural(files, 'artifact')]),
  ].join(` ${glyphs.dot} `);
  return outcome === 'passed' ? palette.quiet(words) : words;
};

const skipped = (why: string, { palette }: Look): string => palette.quiet(`skipped: ${why}`);

const logEnd = (tail: LogTail | undefined, { palette, glyphs, columns }: Look): string[] => {
  const { lines, more } = tail?.lastLines(linesOfLog) ?? { lines: [], more: false };
  const rail = palette.quiet(glyphs.tree.rail);
  return [...(more ? [glyphs.ellipsis] : []), ...lines].map((line) => `  ${rail}${cut(line, columns * 4, glyphs.ellipsis)}`.trimEnd());
};
