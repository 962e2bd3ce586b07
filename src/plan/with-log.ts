import type { Plan } from './plan.ts';

/** The plan with every stage's log as said, whatever its text says. */
export const withLog = (plan: Plan, log: 'kept' | 'live'): Plan => ({
  ...plan,
  nodes: plan.nodes.map((node) => {
    if (node.kind === 'gate') return node;
    const { log: _log, ...stage } = node;
    return log === 'live' ? { ...stage, log } : stage;
  }),
});
