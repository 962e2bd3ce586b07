import type { Compiled } from '../dialects/dialect.ts';
import type { Plan } from '../plan/plan.ts';
import type { Parsed, Problem } from '../plan/problem.ts';
import { selectNodes, type Wanted } from './selection.ts';

/** What was asked for and is not in the text: a pipeline, a target, a stage. Of a text that wants more than is here, as far as is certain. */
export const askedMistakes = (compiled: Compiled, wanted: Wanted, shape: (plan: Plan) => Parsed<Plan>): readonly Problem[] => {
  if (!compiled.ok) return compiled.problems.some(({ code }) => ofTheCommandLine.has(code)) ? compiled.problems : [];
  const shaped = shape(compiled.plan);
  if (!shaped.ok) return shaped.problems;
  const selected = selectNodes(compiled, wanted);
  return selected.ok ? [] : selected.problems;
};

const ofTheCommandLine: ReadonlySet<string> = new Set(['PIPELINE_UNKNOWN', 'DEPLOY_TARGET_UNKNOWN']);
