import { assertNever } from '../../lib/assert-never.ts';
import type { Outcome } from '../../run/outcome.ts';
import { openApproval } from '../../run/open-approval.ts';
import type { Decision, Trigger } from '../../run/run-event.ts';
import type { AttemptState, RunState } from '../../run/run-state.ts';

/** What others are told of a run. Of texts of the project it has names and the commit's subject alone. */
export type RunNews = RunFinished | GateOpened | ApprovalNews;

type About = {
  readonly run: string;
  readonly number: number;
  readonly project: string;
  readonly pipeline: string;
  readonly trigger: Trigger;
  readonly commit?: string;
  readonly branch?: string;
  readonly subject?: string;
  /** Epoch ms. */
  readonly at: number;
};

export type RunFinished = About & {
  readonly kind: 'finished';
  readonly outcome: Outcome;
  readonly startedAt: number;
  /** Where it was deployed to. */
  readonly environments: readonly string[];
  readonly notPassed: readonly NotPassed[];
};

/** `why`: in few words, all of them ours. */
export type NotPassed = { readonly stage: string; readonly outcome: Outcome; readonly why: string };

/** It waits for a person. */
export type GateOpened = About & { readonly kind: 'gate'; readonly gate: string; readonly who: readonly string[] };

/** The commit of a fork waits until somebody approves it, until `until` (epoch ms) at the latest; with a decision: it waits no more. */
export type ApprovalNews = About & {
  readonly kind: 'approval';
  readonly commit: string;
  readonly until: number;
  readonly decision?: Decision;
};

/** The same for the same event, whoever looks at it and when. */
export const newsId = (news: RunNews): string => {
  switch (news.kind) {
    case 'finished':
      return `${news.run}/finished/${news.at}`;
    case 'gate':
      return `${news.run}/gate/${news.gate}/${news.at}`;
    case 'approval':
      return `${news.run}/approval/${news.decision?.kind ?? 'asked'}/${news.at}`;
    default:
      return assertNever(news);
  }
};

/** All that there is to tell of a run as it stands; copied, so that it may be kept. */
export const newsOf = (state: RunState): readonly RunNews[] => {
  const about = aboutOf(state);
  const approval = approvalNewsOf(state, about);
  if (state.phase === 'finished') {
    if (state.outcome === undefined || state.finishedAt === undefined) return approval;
    return [
      ...approval,
      {
        kind: 'finished',
        ...about,
        at: state.finishedAt,
        outcome: state.outcome,
        startedAt: state.fetch.startedAt ?? state.createdAt,
        environments: Array.from(new Set(state.deployments.map(({ environment }) => environment))),
        notPassed: notPassedOf(state),
      },
    ];
  }
  const gates = (state.plan?.nodes ?? []).flatMap((node): readonly GateOpened[] => {
    const gate = state.nodes.get(node.name);
    if (node.kind !== 'gate' || node.waitsFor.kind !== 'person') return [];
    if (gate?.kind !== 'gate' || gate.phase !== 'running' || gate.openedAt === undefined) return [];
    return [{ kind: 'gate', ...about, at: gate.openedAt, gate: node.name, who: node.waitsFor.who }];
  });
  return [...approval, ...gates];
};

/** Nothing of one that ended before anybody decided. */
const approvalNewsOf = (state: RunState, about: Omit<About, 'at'>): readonly ApprovalNews[] => {
  if (state.approval === undefined) return [];
  const { commit, until, askedAt, decision } = state.approval;
  if (decision !== undefined) return [{ kind: 'approval', ...about, at: decision.at, commit, until, decision }];
  return openApproval(state) === undefined ? [] : [{ kind: 'approval', ...about, at: askedAt, commit, until }];
};

const aboutOf = ({ run, number, project, trigger, plan, fetch: { source } }: RunState): Omit<About, 'at'> => ({
  run,
  number,
  project,
  trigger,
  pipeline: plan?.pipeline ?? '',
  ...(source?.commit === undefined ? {} : { commit: source.commit }),
  ...(source?.branch === undefined ? {} : { branch: source.branch }),
  ...(source?.subject === undefined ? {} : { subject: source.subject }),
});

const whyRefused = ({ fetch: { problems = [] } }: RunState): string => {
  const code = problems[0]?.code ?? '';
  return refusals[code] ?? (code.startsWith('SOURCE_') ? 'its repository cannot be read' : 'its configuration is wrong');
};

const refusals: Readonly<Record<string, string>> = {
  SOURCE_REF_GONE: 'its branch or tag is not in the repository',
  SOURCE_UNKNOWN_COMMIT: 'its commit is not in the repository',
  SOURCE_TOO_LARGE: 'its repository is too large',
  CONFIG_MISSING: 'it has no configuration',
};

const notPassedOf = (state: RunState): readonly NotPassed[] => {
  if (state.fetch.outcome === 'failed') return [{ stage: 'fetch', outcome: 'failed', why: whyRefused(state) }];
  if (state.fetch.outcome === 'errored') return [{ stage: 'fetch', outcome: 'errored', why: 'its commit cannot be had' }];
  return Array.from(state.failures, (stage) => {
    const node = state.nodes.get(stage);
    const attempt = node?.kind === 'stage' ? node.attempts.at(-1) : undefined;
    return { stage, outcome: node?.outcome ?? 'errored', why: whyOf(attempt?.cause) };
  });
};

const whyOf = (cause: AttemptState['cause']): string => {
  switch (cause?.kind) {
    case 'exit':
      return `exit code ${cause.code}`;
    case 'signal':
      return cause.signal;
    case 'oom':
      return 'out of memory';
    case 'timeout':
      return cause.limit === 'total' ? 'it took too long' : 'it was silent for too long';
    case 'error':
      return cause.code;
    case 'cancelled':
      return 'cancelled';
    case undefined:
      return '';
  }
};
