import type { EnvValue, InputFile, Plan, Stage } from '../plan/plan.ts';
import type { Problem } from '../plan/problem.ts';
import { outputsAskedBy, valuesOf } from '../plan/stage.ts';
import { shortestSecretBytes } from './redact/forms.ts';
import { RuntimeError } from '../runtimes/runtime-error.ts';
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
    const optional = new Set(node.files.flatMap((file) => (file.optional === true ? [file.value] : [])));
    return valuesOf(node)
      .filter((value) => !optional.has(value))
      .flatMap((value) => missing(value, node, outside));
  });

const missing = (value: EnvValue, stage: Stage, outside: Outside): readonly Problem[] => {
  const problem = (code: string, message: string, hint: string): readonly Problem[] => [
    { code, message, hint, ...(stage.range === undefined ? {} : { range: stage.range }) },
  ];
  if (value.kind === 'outside' && variableOf(value, outside) === undefined) {
    return problem(
      'VARIABLE_MISSING',
      `"${stage.name}" needs the variable ${value.name}, which is not set.`,
      `Set it: --env ${value.name}=…, an --env-file, or the environment of cion.`,
    );
  }
  if (value.kind !== 'secret') return [];
  const secret = outside.secret(value.name);
  if (secret === undefined) {
    return problem(
      'SECRET_MISSING',
      `"${stage.name}" needs the secret ${value.name}, which is not set.`,
      'Give it in an --env-file or in the environment of cion.',
    );
  }
  if (secret !== '' && Buffer.byteLength(secret) < shortestSecretBytes) {
    return problem(
      'SECRET_TOO_SHORT',
      `The secret ${value.name} of "${stage.name}" is shorter than ${shortestSecretBytes} bytes: it cannot be kept out of a log.`,
      'Use a longer one; what is no secret can be given as { outside: … }.',
    );
  }
  return [];
};

const variableOf = ({ name, or }: EnvValue & { kind: 'outside' }, outside: Outside): string | undefined =>
  outside.variable(name) ?? (or === undefined ? undefined : outside.variable(or));

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
        return { value: variableOf(value, outside) ?? '', secret: false };
      case 'secret':
        return { value: outside.secret(value.name) ?? '', secret: true };
      case 'output': {
        const { bytes, sensitive } = await output(value.stage);
        return { value: Buffer.from(bytes).toString('utf8').trim(), secret: sensitive };
      }
      case 'encrypted':
        throw new RuntimeError('UNSUPPORTED', `"${stage.name}" is given an encrypted value, which this version cannot read`);
    }
  };
  const content = async (value: EnvValue): Promise<Uint8Array> =>
    value.kind === 'output' ? (await output(value.stage)).bytes : Buffer.from((await resolve(value)).value);
  const isThere = ({ value }: InputFile): boolean => value.kind !== 'secret' || outside.secret(value.name) !== undefined;
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
export const secretsIn = (plan: Plan, outside: Outside): readonly string[] => {
  const names = plan.nodes.flatMap((node) =>
    node.kind === 'stage' ? valuesOf(node).flatMap((value) => (value.kind === 'secret' ? [value.name] : [])) : [],
  );
  return [...new Set(names)].map((name) => outside.secret(name) ?? '').filter((value) => value !== '');
};
