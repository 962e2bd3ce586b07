import type { EnvValue, RunPart } from '../../plan/plan.ts';

/** What a variable is when the plan is made: its value, that the run or somebody outside will say it, or nothing. */
export type Known = (name: string) => (EnvValue & { readonly kind: 'literal' | 'run' | 'outside' | 'secret' }) | undefined;

type Inner = EnvValue & { readonly kind: 'literal' | 'run' };
type Filled = { readonly value: Inner; readonly later: readonly string[]; readonly unknown: readonly string[] };

/** With the values of `$NAME` and `${NAME}`; `later` names those that are only known outside. */
export const filled = (text: string, known: Known): Filled => {
  const later: string[] = [];
  const unknown: string[] = [];
  const parts: RunPart[] = [];
  let end = 0;
  for (const { 0: whole, 1: braced, 2: bare, index } of text.matchAll(variable)) {
    const name = braced ?? bare ?? '';
    const value = known(name);
    parts.push(text.slice(end, index));
    end = index + whole.length;
    if (value === undefined) unknown.push(name);
    else if (value.kind === 'literal') parts.push(value.value);
    else if (value.kind === 'run') parts.push(...value.parts);
    else later.push(name);
  }
  return { value: runValue(...parts, text.slice(end)), later, unknown };
};

/** Texts that stand side by side are one; where there is nothing else, it is a literal. */
export const runValue = (...parts: readonly RunPart[]): Inner => {
  const joined: RunPart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (typeof part === 'string' && typeof last === 'string') joined[joined.length - 1] = last + part;
    else if (part !== '') joined.push(part);
  }
  return joined.every((part) => typeof part === 'string') ? { kind: 'literal', value: joined.join('') } : { kind: 'run', parts: joined };
};

const variable = /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g;

/** The name in a text that is one variable and nothing else. */
export const onlyVariable = (text: string): string | undefined => {
  const [, braced, bare] = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))$/.exec(text) ?? [];
  return braced ?? bare;
};
