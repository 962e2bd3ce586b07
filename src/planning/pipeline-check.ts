import type { Plan } from '../plan/plan.ts';
import { type Parsed, parsed, refused } from '../plan/problem.ts';

/** A text that has one pipeline alone says so when another is asked for. */
export const onlyPipeline =
  (asked: string | undefined) =>
  (plan: Plan): Parsed<Plan> =>
    asked === undefined || plan.pipeline === asked
      ? parsed(plan)
      : refused({
          code: 'PIPELINE_UNKNOWN',
          message: `There is no pipeline "${asked}": the configuration has one, "${plan.pipeline}".`,
          hint: 'Leave out --pipeline, or write the pipeline into a wercker.yml.',
        });
