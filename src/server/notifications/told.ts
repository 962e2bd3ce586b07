import { paths } from '../../api/paths.ts';
import type { Decision } from '../../run/run-event.ts';
import type { RunNews } from '../runs/run-news.ts';

/** What subscribers are told, as JSON. Names stay: others read them. Its texts have no secrets and are short. Times are epoch ms. */
export type Told = ToldOfRun | ToldOfTest;

export type ToldOfRun = About &
  (
    | {
        readonly event: 'run.finished';
        readonly outcome: string;
        readonly startedAt: number;
        readonly environments: readonly string[];
        /** `why`: `exit code 1`, `out of memory`, a code of docs/errors.md. */
        readonly notPassed: readonly { readonly stage: string; readonly outcome: string; readonly why: string }[];
      }
    /** It waits for a person: for one of these, or for anybody. */
    | { readonly event: 'gate.opened'; readonly gate: string; readonly who: readonly string[] }
    /** Nothing of the commit, which comes from a fork, is run before somebody approves it, until then at the latest. */
    | ({ readonly event: 'approval.asked'; readonly until: number } & Change)
    /** `by`: who decided; nobody did where it expired. */
    | ({
        readonly event: 'approval.decided';
        readonly decision: { readonly kind: Decision['kind']; readonly by?: string; readonly reason?: string };
      } & Change)
  );

/** Nothing happened: somebody wanted to see whether letters come. */
export type ToldOfTest = {
  readonly event: 'subscription.tested';
  readonly project: string;
  readonly subscription: string;
  readonly at: number;
  readonly by: string;
};

/** What is to be approved; `by`: who opened the pull request or pushed to it, by their name at the forge. */
type Change = { readonly by: string; readonly pullRequest?: number };

type About = {
  readonly project: string;
  readonly pipeline: string;
  readonly run: string;
  readonly number: number;
  readonly at: number;
  /** Of its page. */
  readonly url?: string;
  readonly trigger: string;
  readonly commit?: string;
  readonly branch?: string;
  readonly subject?: string;
};

const longest = 200;
const most = 20;

/** `clean` takes the project's secrets out of a text. `publicUrl`: `https://ci.example.org/`. */
export const toldOf = (news: RunNews, clean: (text: string) => string, publicUrl?: string): ToldOfRun => {
  const short = (text: string): string => {
    const characters = [...clean(text)];
    return characters.length > longest ? `${characters.slice(0, longest - 1).join('')}…` : characters.join('');
  };
  const { project, number, commit, branch, subject } = news;
  const about: About = {
    project,
    pipeline: short(news.pipeline),
    run: news.run,
    number,
    at: news.at,
    trigger: news.trigger.kind,
    ...(publicUrl === undefined ? {} : { url: new URL(paths.runPage(project, number).slice(1), publicUrl).href }),
    ...(commit === undefined ? {} : { commit }),
    ...(branch === undefined ? {} : { branch: short(branch) }),
    ...(subject === undefined ? {} : { subject: short(subject) }),
  };
  if (news.kind === 'gate') return { event: 'gate.opened', ...about, gate: short(news.gate), who: news.who.slice(0, most).map(short) };
  if (news.kind === 'approval') {
    const { trigger, until, decision } = news;
    const change = { by: short(trigger.by), ...(trigger.kind === 'pull-request' ? { pullRequest: trigger.number } : {}) };
    if (decision === undefined) return { event: 'approval.asked', ...about, ...change, until };
    const { kind, by, reason } = decision;
    return {
      event: 'approval.decided',
      ...about,
      ...change,
      decision: { kind, ...(kind === 'expired' ? {} : { by: short(by) }), ...(reason === undefined ? {} : { reason: short(reason) }) },
    };
  }
  const { outcome, startedAt, environments, notPassed } = news;
  return {
    event: 'run.finished',
    ...about,
    outcome,
    startedAt,
    environments: environments.slice(0, most).map(short),
    notPassed: notPassed.slice(0, most).map(({ stage, outcome, why }) => ({ stage: short(stage), outcome, why: short(why) })),
  };
};
