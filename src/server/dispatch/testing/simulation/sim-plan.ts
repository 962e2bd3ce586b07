import type { Gate, Plan, Stage } from '../../../../plan/plan.ts';
import { reference, stage } from '../../../../plan/stage.ts';
import type { Random } from './random.ts';

/** A small random DAG with retries, gates, clean-up and deployments. */
export const simPlan = (random: Random): Plan => {
  const size = random.between(1, 6);
  const nodes: (Stage | Gate)[] = [];
  for (let index = 0; index < size; index++)
    nodes.push(random.chance(0.15) ? simGate(random, index, nodes) : simStage(random, index, nodes));
  return { version: 1, pipeline: 'sim', nodes, volumes: [] };
};

const simStage = (random: Random, index: number, before: readonly (Stage | Gate)[]): Stage =>
  stage({
    name: `s${index}`,
    image: reference('busybox:1'),
    needs: needsOf(random, before),
    retry: { attempts: random.between(1, 3), on: random.chance(0.5) ? ['failed', 'errored'] : ['errored'] },
    always: random.chance(0.1),
    mayFail: random.chance(0.1),
    ...(random.chance(0.15) ? { deploys: { environment: 'production' } } : {}),
  });

const simGate = (random: Random, index: number, before: readonly (Stage | Gate)[]): Gate => ({
  kind: 'gate',
  name: `g${index}`,
  needs: needsOf(random, before),
  waitsFor: { kind: 'person', who: [] },
  ...(random.chance(0.5) ? { timeoutMs: random.between(1, 60_000) } : {}),
});

const needsOf = (random: Random, before: readonly (Stage | Gate)[]): Stage['needs'] => {
  const names = new Set(Array.from({ length: Math.min(before.length, random.between(0, 2)) }, () => random.between(0, before.length - 1)));
  return [...names].flatMap((index) => {
    const node = before[index];
    if (node === undefined) return [];
    return [{ node: node.name, on: random.chance(0.7) ? 'passed' : node.kind === 'stage' && random.chance(0.3) ? 'failed' : 'finished' }];
  });
};
