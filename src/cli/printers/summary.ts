import type { Outcome } from '../../run/outcome.ts';
import type { NodeState, RunState, StageState } from '../../run/run-state.ts';
import { lastAttempt } from './attempt-times.ts';
import type { Look } from './look.ts';
import { causeSentence, commitWords, decisionSentence, outcomeVerb, skipSentence } from './sentences.ts';
import { stageNotes } from './notes.ts';
import { artifactsCommand, logCommand, rerunCommand, showCommand } from './suggestions.ts';
import { type Cell, table } from './table.ts';
import { unrecorded } from './unrecorded.ts';
import { visible } from './visible.ts';
import { waterfall } from './waterfall.ts';
import { duration, list, shortDigest } from './words.ts';
import { plural, size } from '../../lib/quantities.ts';

/** How a finished run went, what it left behind, and how to look further. */
export const summary = (state: RunState, look: Look, { timeline, since = state.createdAt }: SummaryOptions): string[] => {
  const stages = [...state.nodes.values()].filter((node) => node.kind === 'stage');
  const chart =
    timeline && stages.filter((stage) => stage.attempts.length > 0).length > 1 ? waterfall(state, state.finishedAt ?? 0, look) : [];
  return [
    headline(state, since, look),
    ...block(chart),
    ...block(troubles(state, look)),
    ...block(stageNotes(state, look, since)),
    ...block(facts(state, stages, since, look)),
  ];
};

export type SummaryOptions = {
  readonly timeline: boolean;
  /** When what is summed up began; absent: when the run was created. */
  readonly since?: number;
};

const headline = (state: RunState, since: number, { palette, glyphs }: Look): string => {
  const outcome = state.outcome ?? 'errored';
  const took = duration((state.finishedAt ?? since) - since);
  const paint = palette.outcome[outcome];
  const title = `${glyphs.outcome[outcome]} Run ${state.number} ${outcomeVerb(outcome)}`;
  return `${paint(palette.strong(title))} after ${took}${counts(state)}`;
};

const counts = (state: RunState): string => {
  const order: readonly Outcome[] = ['errored', 'failed', 'cancelled', 'skipped', 'passed'];
  const nodes = [...state.nodes.values()].filter((node) => node.skip?.kind !== 'not-selected');
  if (nodes.length < 2) return '';
  const words = order.flatMap((outcome) => {
    const count = nodes.filter((node) => node.outcome === outcome).length;
    return count === 0 ? [] : [`${count} ${outcome}`];
  });
  return words.length === 0 ? '' : `: ${list(words)}`;
};

const troubles = (state: RunState, look: Look): string[] =>
  table(
    [{ title: '' }, { title: '' }, { title: '', min: 20, wide: 'wrap' }],
    [...state.nodes.values()].flatMap((node): Cell[][] => {
      const why = whyNot(node);
      if (why === undefined || node.outcome === undefined) return [];
      const paint = look.palette.outcome[node.outcome];
      const pardon = isForgiven(node, state) ? ', as it may' : '';
      return [[{ text: visible(node.name), paint }, { text: node.outcome, paint }, `${why}${pardon}`]];
    }),
    look,
  ).slice(1);

const isForgiven = ({ name, outcome }: NodeState, { plan }: RunState): boolean =>
  outcome === 'failed' && (plan?.nodes.some((node) => node.kind === 'stage' && node.name === name && node.mayFail) ?? false);

const whyNot = (node: NodeState): string | undefined => {
  if (node.skip !== undefined) return node.skip.kind === 'not-selected' ? undefined : skipSentence(node.skip);
  if (node.kind === 'gate') return node.decision === undefined || node.outcome === 'passed' ? undefined : decisionSentence(node.decision);
  const cause = lastAttempt(node)?.cause;
  return cause === undefined || cause.kind === 'cancelled' ? undefined : causeSentence(cause);
};

const facts = (state: RunState, stages: readonly StageState[], since: number, look: Look): string[] => {
  const rows: { readonly title: string; readonly text: Cell }[] = [];
  const artifacts = stages.flatMap((stage) => {
    const left = lastAttempt(stage)?.artifacts;
    return left === undefined ? [] : [{ stage: stage.name, left }];
  });
  for (const { stage, left } of artifacts) {
    const files = left.files.filter(({ path }) => !path.endsWith('/')).length;
    rows.push({ title: 'Artifacts', text: `${visible(stage)}: ${plural(files, 'file')}, ${size(left.bytes)} zipped` });
  }
  for (const deployment of state.deployments.filter(({ at }) => at >= since)) {
    const what = deployment.commit === undefined ? 'files without a commit' : commitWords(deployment.commit, deployment.changedFiles);
    const image = `${visible(deployment.image.reference)} (${shortDigest(visible(deployment.image.digest))})`;
    rows.push({ title: 'Deployed', text: `${what} to ${visible(deployment.environment)} by ${visible(deployment.stage)}, ${image}` });
  }
  for (const text of unrecorded(state, since)) rows.push({ title: 'Not recorded', text });
  for (const command of nextCommands(state, stages, artifacts.length > 0, look))
    rows.push({ title: 'Look', text: { text: command, paint: look.palette.accent } });
  const titled = rows.map(({ title, text }, index): Cell[] => [
    title === rows[index - 1]?.title ? '' : { text: title, paint: look.palette.quiet },
    text,
  ]);
  return table([{ title: '' }, { title: '' }], titled, look).slice(1);
};

const nextCommands = (state: RunState, stages: readonly StageState[], hasArtifacts: boolean, look: Look): string[] => {
  const troubled = stages.filter((stage) => !isForgiven(stage, state));
  const bad = troubled.find((stage) => stage.outcome === 'failed') ?? troubled.find((stage) => stage.outcome === 'errored');
  return [
    ...(bad?.attempts.some(({ startedAt }) => startedAt !== undefined) ? [logCommand(state.number, bad.name, undefined, look)] : []),
    ...(bad === undefined ? [] : [rerunCommand(state.number, look)]),
    ...(hasArtifacts ? [artifactsCommand(state.number, look)] : []),
    showCommand(state.number, look),
  ];
};

const block = (lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', ...lines]);
