import type { EnvValue, Plan, Stage } from '../plan/plan.ts';
import type { Problem } from '../plan/problem.ts';
import type { EnvironmentValue, Values } from '../runtimes/runtime.ts';

/** What comes from outside of the plan: variables and secrets by name; `undefined` where there is none, empty is a value (R-DCK-40). */
export type Outside = {
  variable(name: string): string | undefined;
  secret(name: string): string | undefined;
};

/** One Problem for each outside variable or secret that is missing, naming variable and stage (R-DCK-39). */
export const missingValues = (plan: Plan, outside: Outside, only?: ReadonlySet<string>): readonly Problem[] =>
  plan.nodes.flatMap((node) => {
    if (node.kind !== 'stage' || only?.has(node.name) === false) return [];
    return environmentsOf(node)
      .flatMap((env) => Object.entries(env))
      .flatMap(([, value]) => missing(value, node, outside));
  });

const missing = (value: EnvValue, stage: Stage, outside: Outside): readonly Problem[] => {
  const place = stage.range === undefined ? {} : { range: stage.range };
  if (value.kind === 'outside' && outside.variable(value.name) === undefined) {
    return [
      {
        code: 'VARIABLE_MISSING',
        message: `"${stage.name}" needs the variable ${value.name}, which is not set.`,
        hint: `Set it: --env ${value.name}=…, an --env-file, or the environment of cion.`,
        ...place,
      },
    ];
  }
  if (value.kind === 'secret' && outside.secret(value.name) === undefined) {
    return [
      {
        code: 'SECRET_MISSING',
        message: `"${stage.name}" needs the secret ${value.name}, which is not set.`,
        hint: `Give it in an --env-file or in the environment of cion.`,
        ...place,
      },
    ];
  }
  return [];
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
        return { value: outside.variable(value.name) ?? '', secret: false };
      case 'secret':
        return { value: outside.secret(value.name) ?? '', secret: true };
      case 'output': {
        const { bytes, sensitive } = await output(value.stage);
        return { value: Buffer.from(bytes).toString('utf8').trim(), secret: sensitive };
      }
    }
  };
  const resolveAll = async (env: Readonly<Record<string, EnvValue>>): Promise<Record<string, EnvironmentValue>> => {
    const entries = await Promise.all(
      Object.entries(env).map(async ([name, value]): Promise<[string, EnvironmentValue]> => [name, await resolve(value)]),
    );
    return Object.fromEntries(entries);
  };
  return {
    env: await resolveAll(stage.env),
    serviceEnv: Object.fromEntries(
      await Promise.all(stage.services.map(async (service) => [service.name, await resolveAll(service.env)] as const)),
    ),
    files: await Promise.all(stage.files.map(async (file) => ({ path: file.path, content: (await output(file.stage)).bytes }))),
  };
};

/** Stages whose stdout another stage asks for. */
export const askedOutputs = (plan: Plan): ReadonlySet<string> =>
  new Set(
    plan.nodes.flatMap((node) => {
      if (node.kind !== 'stage') return [];
      const values = environmentsOf(node).flatMap((env) => Object.values(env));
      return [...values.flatMap((value) => (value.kind === 'output' ? [value.stage] : [])), ...node.files.map((file) => file.stage)];
    }),
  );

const environmentsOf = (stage: Stage): readonly Readonly<Record<string, EnvValue>>[] => [
  stage.env,
  ...stage.services.map((service) => service.env),
  ...(stage.command.kind === 'steps' ? [...stage.command.steps, ...stage.command.after].map((step) => step.env) : []),
];
