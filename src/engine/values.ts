import type { EnvValue, InputFile, Plan, Stage, Step, Steps, Variable } from '../plan/plan.ts';
import type { Problem } from '../plan/problem.ts';
import { namedValuesOf, outputsAskedBy, valuesOf } from '../plan/stage.ts';
import type { EnvironmentValue, Values } from '../runtimes/runtime.ts';
import { given, type GivenValue, missingProblem, type Outside } from './given.ts';
import { isTooShort, shortestSecretBytes } from './redact/forms.ts';
import { usableValue } from './variable-value.ts';

/** One Problem for each value from outside that is missing or cannot be read, naming variable and stage, where the text asks for it (R-DCK-39). */
export const missingValues = (plan: Plan, outside: Outside, only?: ReadonlySet<string>): readonly Problem[] =>
  plan.nodes.flatMap((node) => {
    if (node.kind !== 'stage' || only?.has(node.name) === false) return [];
    const optional = new Set(node.files.flatMap((file) => (file.optional === true ? [file.value] : [])));
    return namedValuesOf(node).flatMap(({ name, value }) => {
      if (!isGiven(value)) return [];
      const found = given(value, outside);
      if (found === undefined && optional.has(value) && value.kind !== 'encrypted') return [];
      const problem = found === undefined ? missingProblem(value, name, node.name, outside) : tooShort(found, value, name, node.name);
      const range = value.range ?? node.range;
      return problem === undefined ? [] : [{ ...problem, ...(range === undefined ? {} : { range }) }];
    });
  });

const isGiven = (value: EnvValue): value is GivenValue => value.kind === 'outside' || value.kind === 'secret' || value.kind === 'encrypted';

const tooShort = (found: EnvironmentValue, value: GivenValue, variable: string, stage: string): Problem | undefined => {
  if (!found.secret || found.value === '' || !isTooShort(found.value)) return undefined;
  const name = value.kind === 'encrypted' ? variable : value.name;
  return {
    code: 'SECRET_TOO_SHORT',
    message: `The secret ${name} of "${stage}" is shorter than ${shortestSecretBytes} bytes: it cannot be kept out of a log.`,
    hint: 'Use a longer one; what is no secret can be given as { outside: … }.',
  };
};

/** The values an item starts with. `output` gives an ancestor's exact stdout. */
export const resolveValues = async (
  stage: Stage,
  outside: Outside,
  output: (stage: string) => Promise<{ readonly bytes: Uint8Array; readonly sensitive: boolean }>,
): Promise<Values> => {
  const resolve = async (value: EnvValue): Promise<EnvironmentValue> => {
    switch (value.kind) {
      case 'literal':
        return { value: value.value, secret: false };
      case 'outside':
      case 'secret':
      case 'encrypted':
        return given(value, outside) ?? { value: '', secret: true };
      case 'output': {
        const { bytes, sensitive } = await output(value.stage);
        return { value: Buffer.from(bytes).toString('utf8').trim(), secret: sensitive };
      }
      case 'run':
        throw new Error(`nobody said what is so of the run of "${stage.name}"`);
    }
  };
  const content = async (value: EnvValue): Promise<Uint8Array> =>
    value.kind === 'output' ? (await output(value.stage)).bytes : Buffer.from((await resolve(value)).value);
  const isThere = ({ value }: InputFile): boolean => !isGiven(value) || given(value, outside) !== undefined;
  const resolveAll = async (env: Readonly<Record<string, EnvValue>>): Promise<Record<string, EnvironmentValue>> => {
    const entries = await Promise.all(
      Object.entries(env).map(async ([name, value]): Promise<[string, EnvironmentValue]> => {
        const resolved = await resolve(value);
        return [name, { ...resolved, value: usableValue(stage.name, name, resolved.value) }];
      }),
    );
    return Object.fromEntries(entries);
  };
  const resolveVariables = (variables: readonly Variable[]): Promise<readonly Variable[]> =>
    Promise.all(
      variables.map(async ({ name, value }) =>
        value.kind === 'expanded' ? { name, value } : { name, value: { kind: 'literal', value: (await resolve(value)).value } as const },
      ),
    );
  const resolveStep = async (step: Step): Promise<Step> => ({ ...step, variables: await resolveVariables(step.variables) });
  const resolveSteps = async (command: Steps): Promise<Steps> => ({
    ...command,
    variables: await resolveVariables(command.variables),
    steps: await Promise.all(command.steps.map(resolveStep)),
    after: await Promise.all(command.after.map(resolveStep)),
  });
  return {
    ...(stage.command.kind === 'steps' ? { steps: await resolveSteps(stage.command) } : {}),
    env: await resolveAll(stage.env),
    serviceEnv: Object.fromEntries(
      await Promise.all(stage.services.map(async (service) => [service.name, await resolveAll(service.env)] as const)),
    ),
    files: await Promise.all(
      stage.files
        .filter((file) => file.optional !== true || isThere(file))
        .map(async ({ path, value, ...file }) => ({
          path,
          content: await content(value),
          ...(file.private === true ? { private: true as const } : {}),
        })),
    ),
  };
};

/** Stages whose stdout another stage asks for. */
export const askedOutputs = (plan: Plan): ReadonlySet<string> =>
  new Set(plan.nodes.flatMap((node) => (node.kind === 'stage' ? outputsAskedBy(node) : [])));

/** The values of all secrets that a plan names: none of its stages may show any of them, for they hand values on. */
export const secretsIn = (plan: Plan, outside: Outside): readonly string[] => [
  ...new Set(
    plan.nodes
      .flatMap((node) => (node.kind === 'stage' ? valuesOf(node) : []))
      .filter(isGiven)
      .map((value) => given(value, outside))
      .flatMap((found) => (found?.secret === true && found.value !== '' ? [found.value] : [])),
  ),
];
