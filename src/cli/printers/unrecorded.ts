import type { RunState } from '../../run/run-state.ts';
import { lastAttempt } from './attempt-times.ts';
import { visible } from './visible.ts';
import { shortCommit } from './words.ts';
import { plural } from '../../lib/quantities.ts';

/** What was released since then and is no Deployment, with why (R-CIO-18): `release to production: 1 file differs from abc1234 (…)`. */
export const unrecorded = (state: RunState, since = Number.NEGATIVE_INFINITY): string[] => {
  const why = whyNot(state);
  if (why === undefined) return [];
  return (state.plan?.nodes ?? []).flatMap((node) => {
    const stage = state.nodes.get(node.name);
    if (node.kind !== 'stage' || node.deploys === undefined || stage?.kind !== 'stage' || stage.outcome !== 'passed') return [];
    const newest = lastAttempt(stage);
    if (newest === undefined || (newest.finishedAt ?? 0) < since) return [];
    if (state.deployments.some(({ stage: name, at }) => name === node.name && at >= newest.queuedAt)) return [];
    return [`${visible(node.name)} to ${visible(node.deploys.environment)}: ${why} (cion run --record records it all the same)`];
  });
};

const whyNot = ({ fetch: { source } }: RunState): string | undefined => {
  if (source?.commit === undefined) return 'there is no commit';
  const { changedFiles, commit } = source;
  if (changedFiles === 0) return undefined;
  return `${plural(changedFiles, 'file')} ${changedFiles === 1 ? 'differs' : 'differ'} from ${visible(shortCommit(commit))}`;
};
