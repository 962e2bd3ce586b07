import type { RunState } from './run-state.ts';

/** The open gates of a run of which nothing else is under way: what it waits at. */
export const gatesWaitedAt = ({ nodes }: RunState): readonly string[] => {
  const gates: string[] = [];
  for (const { kind, name, phase } of nodes.values()) {
    if (kind === 'stage' && (phase === 'queued' || phase === 'running')) return [];
    if (kind === 'gate' && phase === 'running') gates.push(name);
  }
  return gates;
};
