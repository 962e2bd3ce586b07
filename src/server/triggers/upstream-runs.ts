import type { Clock } from '../../lib/clock.ts';
import type { RunRow, RunStore } from '../../store/run-store.ts';
import type { Upstream, UpstreamStore } from '../../store/upstreams.ts';
import type { Guard } from '../actor.ts';
import type { BeginRun } from '../runs/begin-run.ts';
import type { Reader } from '../runs/follow-runs.ts';
import type { RunFinished } from '../runs/run-news.ts';
import { reasonOf } from '../reason-of.ts';
import { isProjectUnknown } from './is-project-unknown.ts';

export type UpstreamDeps = {
  readonly upstreams: UpstreamStore;
  readonly runs: Pick<RunStore, 'list'>;
  readonly beginRun: BeginRun;
  readonly guard: Pick<Guard, 'note'>;
  readonly clock: Pick<Clock, 'now'>;
};

/**
 * When a run of a pipeline turns green, a run of each project that comes after it begins, once (R-DCK-87, R-DCK-88): `pipeline/<run>`. A pull request
 * begins nothing, nor does a release that runs again. What would come round to where it began is stopped, and why is kept with the upstream and in the audit (atk-78).
 */
export const upstreamRuns = (deps: UpstreamDeps): Reader => ({
  name: 'upstreams',
  gates: false,
  take: async (news) => {
    if (news.kind !== 'finished' || news.outcome !== 'passed' || news.trigger.kind === 'pull-request') return;
    if (news.trigger.from !== undefined) return;
    for (const upstream of await deps.upstreams.list({ after: news.project })) {
      if (follows(upstream, news)) await beginAfter(deps, upstream, news);
    }
  },
});

const follows = ({ after, createdAt }: Upstream, { pipeline, branch, at }: RunFinished): boolean =>
  at >= createdAt && (after.pipeline ?? pipeline) === pipeline && (after.branch ?? branch) === branch;

/** Rejects when it should be tried again. */
const beginAfter = async (deps: UpstreamDeps, upstream: Upstream, news: RunFinished): Promise<void> => {
  const { id, project, wants } = upstream;
  const noted = (text: string): Promise<void> => deps.upstreams.note(id, { at: deps.clock.now(), run: news.run, text });
  const stop = await whyNot(deps, upstream, news);
  if (stop !== undefined) {
    await deps.guard.note({
      actor: { kind: 'anonymous' },
      action: 'trigger.stopped',
      project,
      outcome: 'refused',
      detail: { upstream: id, run: news.run, reason: stop },
    });
    return noted(stop);
  }
  try {
    const { run } = await deps.beginRun({
      project,
      ...wants,
      trigger: { kind: 'pipeline', by: `${news.project} #${news.number}`, pipeline: pathOf(news), run: news.run },
      once: onceOf(upstream, news.run),
    });
    await noted(`${run} began.`);
  } catch (error) {
    await noted(`No run could begin: ${reasonOf(error)}.`);
    if (!isProjectUnknown(error)) throw error;
  }
};

/** Two pipelines of one project after the same run are two runs. */
const onceOf = ({ wants: { pipeline = '', target = '' } }: Upstream, run: string): string =>
  pipeline === '' && target === '' ? `pipeline/${run}` : `pipeline/${run}/${pipeline}/${target}`;

const longestChain = 50;

/** Follows the triggers back: whether the pipeline that would begin is one of those that led here. */
const whyNot = async ({ runs }: UpstreamDeps, { project, wants }: Upstream, news: RunFinished): Promise<string | undefined> => {
  const way = [pathOf(news)];
  for (let row: Pick<RunRow, 'project' | 'pipeline' | 'trigger'> | undefined = news; row !== undefined; ) {
    if (row.project === project && (wants.pipeline ?? row.pipeline) === row.pipeline) {
      return `Stopped: pipelines begin one another in a circle, ${[...way.reverse(), project].join(' → ')}.`;
    }
    if (row.trigger.kind !== 'pipeline') return undefined;
    if (way.length >= longestChain) return `Stopped: ${longestChain} pipelines began one another in a row.`;
    [row] = await runs.list({ run: row.trigger.run, limit: 1 });
    if (row !== undefined) way.push(pathOf(row));
  }
  return undefined;
};

const pathOf = ({ project, pipeline }: { readonly project: string; readonly pipeline: string }): string =>
  pipeline === '' ? project : `${project}/${pipeline}`;
