import type { Outcome } from '../../run/outcome.ts';
import type { AttemptState, GateState, NodeState, RunState, StageState } from '../../run/run-state.ts';
import { lastAttempt, tookMs } from './attempt-times.ts';
import type { Look } from './look.ts';
import {
  causeSentence,
  decisionSentence,
  gateSentence,
  outcomeSentence,
  skipSentence,
  sourceSentence,
  triggerSentence,
} from './sentences.ts';
import { type Cell, table } from './table.ts';
import { visible } from './visible.ts';
import { waterfall } from './waterfall.ts';
import { ago, dateTime, duration, plural, sentence, shortDigest, size } from './words.ts';

/** All there is to say about a run: what it was about, each stage with its end and why, and when what ran. */
export const runShow = (state: RunState, now: number, look: Look): string[] => {
  const chart = waterfall(state, now, look);
  return [
    headline(state, look),
    '',
    ...about(state, now, look),
    ...block(stages(state, now, look)),
    ...block(earlierAttempts(state, now, look)),
    ...(chart.length > 1 ? block(chart) : []),
  ];
};

const headline = ({ outcome, phase, number, project }: RunState, { palette, glyphs }: Look): string => {
  const title = `Run ${number} of ${visible(project)}`;
  if (outcome === undefined) return `${palette.accent(glyphs.waiting)} ${palette.strong(title)} ${palette.accent(phase)}`;
  return `${palette.outcome[outcome](glyphs.outcome[outcome])} ${palette.strong(title)} ${palette.outcome[outcome](outcome)}`;
};

const about = (state: RunState, now: number, look: Look): string[] => {
  const { source } = state.fetch;
  const rows: readonly (readonly [string, string])[] = [
    ...(state.outcome === undefined ? [] : [['Outcome', outcomeSentence(state.outcome)] as const]),
    ...(source === undefined ? [] : [['Source', sourceSentence(source)] as const]),
    ...(source?.subject === undefined ? [] : [['Subject', visible(source.subject)] as const]),
    ...(state.fetch.message === undefined ? [] : [['Trouble', sentence(visible(state.fetch.message))] as const]),
    ...(state.plan === undefined ? [] : [['Pipeline', visible(state.plan.pipeline)] as const]),
    ['Trigger', triggerSentence(state.trigger)],
    ...(state.cancel === undefined
      ? []
      : [['Cancelled', `by ${visible(state.cancel.by)}${state.cancel.force ? ', by force' : ''}`] as const]),
    ['Started', `${dateTime(state.createdAt, look.timeZone)}, ${ago(state.createdAt, now)}`],
    ...(state.finishedAt === undefined ? [] : [['Took', duration(state.finishedAt - state.createdAt)] as const]),
    ...state.deployments.map(({ stage, environment }) => ['Deployed', `to ${visible(environment)} by ${visible(stage)}`] as const),
    ['Id', state.run],
  ];
  return table(
    [{ title: '' }, { title: '', min: 20 }],
    rows.map(([title, text]) => [{ text: title, paint: look.palette.quiet }, text]),
    look,
  ).slice(1);
};

const stages = (state: RunState, now: number, look: Look): string[] =>
  table(
    [
      { title: 'Stage', min: 8 },
      { title: 'Outcome' },
      { title: 'Tries', align: 'right' },
      { title: 'Took', align: 'right' },
      { title: 'Image', min: 12, keep: 'end' },
      { title: 'Artifacts' },
      { title: 'Why', min: 20 },
    ],
    [...state.nodes.values()].map((node) => (node.kind === 'stage' ? stageRow(node, now, look) : gateRow(node, state, look))),
    look,
  );

const stageRow = (stage: StageState, now: number, look: Look): Cell[] => {
  const last = lastAttempt(stage);
  const tries = stage.attempts.length;
  return [
    visible(stage.name),
    outcomeCell(stage, look),
    tries > 1 ? String(tries) : '',
    last === undefined ? '' : duration(tookMs(last, now)),
    { text: imageWords(last), paint: look.palette.quiet },
    artifactWords(last),
    whyWords(stage, last),
  ];
};

const gateRow = (gate: GateState, state: RunState, look: Look): Cell[] => {
  const node = state.plan?.nodes.find(({ name }) => name === gate.name);
  const waits = node?.kind === 'gate' && gate.phase === 'running' ? `Waits for ${gateSentence(node.waitsFor)}` : '';
  const skip = gate.skip === undefined ? waits : sentence(skipSentence(gate.skip));
  const took = gate.openedAt !== undefined && gate.finishedAt !== undefined ? duration(gate.finishedAt - gate.openedAt) : '';
  return [
    `${look.glyphs.gate} ${visible(gate.name)}`,
    outcomeCell(gate, look),
    '',
    took,
    '',
    '',
    gate.decision === undefined ? skip : decisionSentence(gate.decision),
  ];
};

const outcomeCell = (node: NodeState, look: Look): Cell => {
  if (node.outcome !== undefined) return endCell(node.outcome, look);
  return { text: `${look.glyphs.waiting} ${node.phase}`, paint: node.phase === 'running' ? look.palette.accent : look.palette.quiet };
};

const endCell = (outcome: Outcome, { palette, glyphs }: Look): Cell => ({
  text: `${glyphs.outcome[outcome]} ${outcome}`,
  paint: palette.outcome[outcome],
});

const earlierAttempts = (state: RunState, now: number, look: Look): string[] =>
  table(
    [{ title: 'Earlier try', min: 8 }, { title: 'Outcome' }, { title: 'Took', align: 'right' }, { title: 'Why', min: 20 }],
    [...state.nodes.values()].flatMap((node) =>
      node.kind === 'gate'
        ? []
        : node.attempts
            .slice(0, -1)
            .map((attempt): Cell[] => [
              `${visible(node.name)} ${attempt.attempt}`,
              attempt.outcome === undefined ? '' : endCell(attempt.outcome, look),
              duration(tookMs(attempt, now)),
              attempt.cause === undefined ? '' : causeSentence(attempt.cause),
            ]),
    ),
    look,
  );

const imageWords = (attempt: AttemptState | undefined): string =>
  attempt?.image === undefined ? '' : `${visible(attempt.image.reference)} ${shortDigest(visible(attempt.image.digest))}`;

const artifactWords = (attempt: AttemptState | undefined): string => {
  if (attempt?.artifacts === undefined) return '';
  const { files, bytes } = attempt.artifacts;
  return `${plural(files.filter(({ path }) => !path.endsWith('/')).length, 'file')}, ${size(bytes)}`;
};

const whyWords = (stage: StageState, last: AttemptState | undefined): string => {
  if (stage.skip !== undefined) return sentence(skipSentence(stage.skip));
  return last?.cause === undefined || last.cause.kind === 'cancelled' ? '' : causeSentence(last.cause);
};

const block = (lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', ...lines]);
