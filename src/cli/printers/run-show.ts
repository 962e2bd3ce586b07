import { gatesWaitedAt } from '../../run/gates-waited-at.ts';
import { openApproval } from '../../run/open-approval.ts';
import type { Outcome } from '../../run/outcome.ts';
import type { AttemptState, GateState, NodeState, RunState, StageState, StepState } from '../../run/run-state.ts';
import { lastAttempt, tookMs } from './attempt-times.ts';
import type { Look } from './look.ts';
import {
  approvalWords,
  causeSentence,
  decisionSentence,
  openGateWords,
  outcomeSentence,
  skipSentence,
  sourceSentence,
  subjectWords,
  triggerSentence,
  waitingWords,
} from './sentences.ts';
import { noteSentences, stageNotes } from './notes.ts';
import { stepPlace, stepTitle } from './step-words.ts';
import { type Cell, table } from './table.ts';
import { unrecorded } from './unrecorded.ts';
import { visible } from './visible.ts';
import { waterfall } from './waterfall.ts';
import { ago, dateTime, digestDigits, duration, sentence } from './words.ts';
import { limit, plural, size } from '../../lib/quantities.ts';

/** All there is to say about a run: what it was about, each stage with its end and why, and when what ran. */
export const runShow = (state: RunState, now: number, look: Look): string[] => {
  const chart = waterfall(state, now, look);
  return [
    headline(state, look),
    '',
    ...about(state, now, look),
    ...block(stages(state, now, look)),
    ...block(reasons(state, look)),
    ...block(stageNotes(state, look)),
    ...block(steps(state, now, look)),
    ...block(earlierAttempts(state, now, look)),
    ...(chart.length > 1 ? block(chart) : []),
  ];
};

const headline = (state: RunState, { palette, glyphs }: Look): string => {
  const { outcome, phase, number, project } = state;
  const waitsAt = gatesWaitedAt(state);
  const title = `Run ${number} of ${visible(project)}`;
  if (outcome === undefined)
    return `${palette.accent(glyphs.waiting)} ${palette.strong(title)} ${palette.accent(waitsAt.length === 0 ? phase : waitingWords(waitsAt))}`;
  return `${palette.outcome[outcome](glyphs.outcome[outcome])} ${palette.strong(title)} ${palette.outcome[outcome](outcome)}`;
};

/** Why it has no plan: each problem with its place in the text. */
const troubles = ({ fetch: { message, problems = [] } }: RunState): readonly (readonly [string, string])[] => {
  if (problems.length === 0) return message === undefined ? [] : [['Trouble', sentence(visible(message))]];
  return problems.map(({ range, message: text, hint }) => {
    const place = range === undefined ? '' : `${range.file}:${range.start.line}:${range.start.column}: `;
    return ['Trouble', visible(`${place}${sentence(text)}${hint === undefined ? '' : ` ${hint}`}`)];
  });
};

const about = (state: RunState, now: number, look: Look): string[] => {
  const { source } = state.fetch;
  const rows: readonly (readonly [string, string])[] = [
    ...(state.outcome === undefined || state.plan === undefined ? [] : [['Outcome', outcomeSentence(state.outcome)] as const]),
    ...(source === undefined ? [] : [['Source', sourceSentence(source)] as const]),
    ...(source?.subject === undefined ? [] : [['Subject', subjectWords(source.subject)] as const]),
    ...troubles(state),
    ...(state.plan === undefined ? [] : [['Pipeline', visible(state.plan.pipeline)] as const]),
    ['Trigger', triggerSentence(state.trigger)],
    ...(state.approval === undefined ? [] : [['Approval', approvalCell(state, look)] as const]),
    ...(state.cancel === undefined
      ? []
      : [['Cancelled', `by ${visible(state.cancel.by)}${state.cancel.force ? ', by force' : ''}`] as const]),
    ['Started', `${dateTime(state.createdAt, look.timeZone)}, ${ago(state.createdAt, now)}`],
    ...(state.finishedAt === undefined ? [] : [['Took', duration(state.finishedAt - state.createdAt)] as const]),
    ...state.deployments.map(
      ({ stage, environment, at }) =>
        ['Deployed', `to ${visible(environment)} by ${visible(stage)}, ${dateTime(at, look.timeZone)}`] as const,
    ),
    ...noteSentences(state.notes).map((text) => ['Noted', text] as const),
    ...unrecorded(state).map((text) => ['Not recorded', text] as const),
    ['Id', state.run],
  ];
  return table(
    [{ title: '' }, { title: '', min: 20, wide: 'wrap' }],
    rows.map(([title, text]) => [{ text: title, paint: look.palette.quiet }, text]),
    look,
  ).slice(1);
};

const approvalCell = (state: RunState, look: Look): string => {
  const { decision } = state.approval ?? {};
  const open = openApproval(state);
  if (open !== undefined) return `Waits for ${approvalWords(open, state, look)}`;
  return decision === undefined
    ? 'It ended before somebody decided'
    : `${decisionSentence(decision)}, ${dateTime(decision.at, look.timeZone)}`;
};

const stages = (state: RunState, now: number, look: Look): string[] =>
  table(
    [
      { title: 'Stage' },
      { title: 'Outcome' },
      { title: 'Tries', align: 'right' },
      { title: 'Took', align: 'right' },
      { title: 'Image', min: 10, wide: 'cut-start' },
      { title: 'Digest' },
      { title: 'Artifacts' },
    ],
    [...state.nodes.values()].map((node) => (node.kind === 'stage' ? stageRow(node, now, look) : gateRow(node, look))),
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
    { text: visible(last?.image?.reference ?? ''), paint: look.palette.quiet },
    { text: digestDigits(visible(last?.image?.digest ?? '')), paint: look.palette.quiet },
    artifactWords(last),
  ];
};

const gateRow = (gate: GateState, look: Look): Cell[] => {
  const took = gate.openedAt !== undefined && gate.finishedAt !== undefined ? duration(gate.finishedAt - gate.openedAt) : '';
  return [`${look.glyphs.gate} ${visible(gate.name)}`, outcomeCell(gate, look), '', took];
};

const reasons = (state: RunState, look: Look): string[] =>
  table(
    [{ title: '' }, { title: '', min: 20, wide: 'wrap' }],
    [...state.nodes.values()].flatMap((node): Cell[][] => {
      const why = node.kind === 'stage' ? whyWords(node) : gateWords(node, state, look);
      const paint = node.outcome === undefined ? look.palette.strong : look.palette.outcome[node.outcome];
      return why === '' ? [] : [[{ text: visible(node.name), paint }, why]];
    }),
    look,
  ).slice(1);

const whyWords = ({ skip, attempts }: StageState): string => {
  if (skip !== undefined) return `Skipped, because ${skipSentence(skip)}`;
  const cause = attempts.at(-1)?.cause;
  return cause === undefined || cause.kind === 'cancelled' ? '' : causeSentence(cause);
};

const gateWords = ({ name, phase, skip, decision, openedAt }: GateState, { plan, number }: RunState, look: Look): string => {
  if (skip !== undefined) return `Skipped, because ${skipSentence(skip)}`;
  if (decision !== undefined) return `${decisionSentence(decision)}, ${dateTime(decision.at, look.timeZone)}`;
  const gate = plan?.nodes.find((node) => node.name === name);
  if (phase !== 'running' || gate?.kind !== 'gate') return '';
  const until =
    openedAt === undefined || gate.timeoutMs === undefined ? '' : `, until ${dateTime(openedAt + gate.timeoutMs, look.timeZone)}`;
  return `Waits for ${openGateWords(gate, number, look)}${until}`;
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
    [{ title: 'Earlier try' }, { title: 'Outcome' }, { title: 'Took', align: 'right' }, { title: 'Why', min: 20, wide: 'wrap' }],
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

const steps = (state: RunState, now: number, look: Look): string[] => {
  const rows = [...state.nodes.values()].flatMap((node) =>
    node.kind === 'gate'
      ? []
      : (lastAttempt(node)?.steps ?? []).map((step): Cell[] => [
          visible(node.name),
          stepTitle(stepPlace(state.plan, node.name, step.id), step.id),
          step.outcome === undefined ? { text: `${look.glyphs.waiting} running`, paint: look.palette.accent } : endCell(step.outcome, look),
          duration((step.finishedAt ?? now) - step.startedAt),
          stepWords(step),
        ]),
  );
  if (rows.length === 0) return [];
  return table(
    [
      { title: 'Steps of' },
      { title: 'Step', min: 10, wide: 'wrap' },
      { title: 'Outcome' },
      { title: 'Took', align: 'right' },
      { title: 'Said', min: 20, wide: 'wrap' },
    ],
    rows,
    look,
  );
};

const stepWords = (step: StepState): string =>
  [
    ...(step.outcome === 'passed' ? [] : [stepReason(step)]),
    visible(step.message?.trim() ?? ''),
    ...Object.entries(step.numbers ?? {}).map(([name, number]) => `${visible(name)} ${visible(number)}`),
  ]
    .filter((words) => words !== '')
    .join(', ');

const stepReason = ({ cause, exitCode }: StepState): string => {
  if (cause !== undefined) return cause.limit === 'total' ? `longer than ${limit(cause.ms)}` : `silent for ${limit(cause.ms)}`;
  return exitCode === undefined ? '' : `exit code ${exitCode}`;
};

const artifactWords = (attempt: AttemptState | undefined): string => {
  if (attempt?.artifacts === undefined) return '';
  const { files, bytes } = attempt.artifacts;
  return `${plural(files.filter(({ path }) => !path.endsWith('/')).length, 'file')}, ${size(bytes)}`;
};

const block = (lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', ...lines]);
