import type { Command, EnvValue, Stage, Step, Variable } from './plan.ts';

/** The stage with each of its values as `change` says; `isFile`: it is the content of a file. */
export const withValues = (stage: Stage, change: (value: EnvValue, isFile: boolean) => EnvValue): Stage => {
  const env = (given: Stage['env']): Stage['env'] =>
    Object.fromEntries(Object.entries(given).map(([name, value]) => [name, change(value, false)]));
  const variables = (all: readonly Variable[]): readonly Variable[] =>
    all.map((one) => (one.value.kind === 'expanded' ? one : { ...one, value: change(one.value, false) }));
  const steps = (all: readonly Step[]): readonly Step[] => all.map((step) => ({ ...step, variables: variables(step.variables) }));
  const command = (given: Command): Command =>
    given.kind === 'steps'
      ? { ...given, variables: variables(given.variables), steps: steps(given.steps), after: steps(given.after) }
      : given;
  return {
    ...stage,
    command: command(stage.command),
    ...(stage.done === undefined ? {} : { done: { ...stage.done, command: command(stage.done.command) } }),
    env: env(stage.env),
    files: stage.files.map((file) => ({ ...file, value: change(file.value, true) })),
    services: stage.services.map((service) => ({ ...service, env: env(service.env) })),
  };
};
