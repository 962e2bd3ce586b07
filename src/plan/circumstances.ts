import type { Circumstance, Circumstances, Plan, RunPart, RunValue, Stage } from './plan.ts';
import { stagesOf, valuesOf } from './stage.ts';
import { withValues } from './with-values.ts';

/** What is not known of a run is empty. */
export const textOf = ({ parts }: RunValue, circumstances: Circumstances): string =>
  parts.map((part) => (typeof part === 'string' ? part : (circumstances[part.is] ?? ''))).join('');

/** The stage as it is for one run: it asks for no circumstance any more. */
export const withCircumstances = (stage: Stage, circumstances: Circumstances): Stage =>
  withValues(stage, (value) => (value.kind === 'run' ? { kind: 'literal', value: textOf(value, circumstances) } : value));

/** Stages that are not the same for any run. */
export const stagesOfTheRun = (plan: Plan): ReadonlySet<string> =>
  new Set(stagesOf(plan).flatMap((stage) => (valuesOf(stage).some(({ kind }) => kind === 'run') ? [stage.name] : [])));

/** Those that a plan asks for, and no other. */
export const askedCircumstances = (plan: Plan, circumstances: Circumstances): Circumstances => {
  const parts = stagesOf(plan)
    .flatMap(valuesOf)
    .flatMap((value): readonly RunPart[] => (value.kind === 'run' ? value.parts : []));
  const asked = new Set(parts.flatMap((part): readonly Circumstance[] => (typeof part === 'string' ? [] : [part.is])));
  return Object.fromEntries(
    [...asked].flatMap((name) => (circumstances[name] === undefined ? [] : [[name, circumstances[name]] as const])),
  );
};
