import type { EnvValue } from '../../plan/plan.ts';

/** What of an environment is known before the start. */
export const literalsOf = (env: Readonly<Record<string, EnvValue>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value.kind === 'literal' ? [[name, value.value]] : [])));

export const lateNamesOf = (env: Readonly<Record<string, EnvValue>>): readonly string[] =>
  Object.entries(env).flatMap(([name, value]) => (value.kind === 'literal' ? [] : [name]));
