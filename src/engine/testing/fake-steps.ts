import type { Stage, Step } from '../../plan/plan.ts';
import { doing } from './fake-run.ts';

/** A step that does what its variables tell the fake runtime. */
export const step = (id: string, env: Readonly<Record<string, string>> = {}, more: Partial<Step> = {}): Step => ({
  id,
  name: id,
  variables: Object.entries(env).map(([name, value]) => ({ name, value: { kind: 'literal', value } })),
  action: { kind: 'script', script: '' },
  timeouts: {},
  ...more,
});

export const stepping = (name: string, steps: readonly Step[], after: readonly Step[] = [], more: Partial<Stage> = {}): Stage =>
  doing(name, {}, { command: { kind: 'steps', variables: [], steps, after }, ...more });
