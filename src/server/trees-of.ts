import type { RunState } from '../run/run-state.ts';

/** The digests, without `sha256:`, of all tars that a run may read: its files, those that its plan names, those that its stages left. */
export const treesOf = (state: RunState): ReadonlySet<string> => {
  const named = [
    ...(state.sourceTree === undefined ? [] : [state.sourceTree]),
    ...(state.plan?.volumes ?? []).flatMap(({ from }) => (typeof from === 'object' && 'tree' in from ? [from.tree] : [])),
    ...Array.from(state.nodes.values()).flatMap((node) =>
      node.kind === 'stage' ? node.attempts.flatMap(({ keptVolumes = {} }) => Object.values(keptVolumes)) : [],
    ),
  ];
  return new Set(named.map((digest) => digest.replace(/^sha256:/, '')));
};
