import type { Commit, Plan, Stage } from './plan.ts';
import { type Parsed, parsed, refused } from './problem.ts';

/**
 * The plan with its box committed as said: the stage of steps, or the only stage there is. Where it is not clear which, that is a
 * Problem. What the text commits there is committed too.
 */
export const withCommit = (plan: Plan, commit: Commit): Parsed<Plan> => {
  const stages = plan.nodes.filter((node) => node.kind === 'stage');
  const boxes = stages.filter(hasSteps);
  const [only, another] = boxes.length > 0 ? boxes : stages;
  if (only === undefined || another !== undefined) {
    return refused({
      code: 'COMMIT_UNCLEAR',
      message: `The pipeline has ${stages.length} stages, so it is not clear which of them becomes the image.`,
      hint: 'Only a pipeline of one stage can be committed from the command line; leave out --commit, --commit-steps, --registry and --push.',
    });
  }
  const names = [...(only.commit?.names ?? []), ...commit.names];
  const stage: Stage = { ...only, commit: { ...only.commit, ...commit, names: [...new Set(names)] } };
  return parsed({ ...plan, nodes: plan.nodes.map((node) => (node === only ? stage : node)) });
};

export const hasSteps = ({ command }: Stage): boolean => command.kind === 'steps';
