import type { EnvValue } from '../../plan/plan.ts';
import type { Range } from '../../plan/problem.ts';
import { encrypted } from '../encrypted.ts';
import { readNamed } from '../entries.ts';
import { assignment, type Env, envShape, envValue } from '../env.ts';
import { mapping, optional } from '../mapping.ts';
import { variableName } from '../names.ts';
import { quoted } from '../quoted.ts';
import { servicesWith } from '../services.ts';
import { allOrNone, blame, mapped, type Place, type Shape, text } from '../shape.ts';
import { isEmpty, type YamlEntry, type YamlNode } from '../yaml.ts';

/** One item of `env` as it is written. What a bare name means depends on whether it is a stage. */
export type Variable = { readonly range: Range } & (
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'value'; readonly variable: string; readonly value: EnvValue }
);

const sources = ['stage', 'outside', 'secret', 'encrypted'] as const;

const fromElsewhere: Shape<EnvValue> = mapped(
  mapping(
    {
      stage: optional(text, 'What this stage wrote to stdout, outer white space trimmed.'),
      outside: optional(variableName, 'The variable of this name where cion is run. Without it the run fails before any container starts.'),
      secret: optional(variableName, 'The secret of this name; its value is kept out of the logs.'),
      encrypted: optional(encrypted, 'A secret encrypted with age, as "cion secret encrypt" prints it; read with the key of who runs it.'),
    },
    { apart: sources.flatMap((one, i) => sources.slice(i + 1).map((other) => [one, other] as const)) },
  ),
  ({ stage, outside, secret, encrypted: ciphertext }, place): EnvValue | undefined => {
    const { range } = place;
    if (stage !== undefined) return { kind: 'output', stage };
    if (outside !== undefined) return { kind: 'outside', name: outside, range };
    if (secret !== undefined) return { kind: 'secret', name: secret, range };
    if (ciphertext !== undefined) return { kind: 'encrypted', ciphertext, range };
    const hint = 'Write a text, or one of { stage: name }, { outside: NAME }, { secret: NAME } and { encrypted: text }.';
    return blame(place, { code: 'EMPTY_VALUE', message: `"${place.path}" is empty.`, hint });
  },
);

const value = envValue(fromElsewhere);
const valuesOnly: Shape<Env> = envShape(variableName, value);

/** Services have variables with values, no bare names. */
export const services = servicesWith(valuesOnly);

const readItem = (node: YamlNode, place: Place): readonly Variable[] | undefined => {
  if (node.kind === 'map') return readValues(node.entries, place);
  const entry = node.kind === 'scalar' ? assignment(node) : undefined;
  if (entry !== undefined) return readValues([entry], place);
  const name = text.read(node, place);
  return name === undefined ? undefined : [{ kind: 'name', name, range: node.range }];
};

const readValues = (entries: readonly YamlEntry[], place: Place): readonly Variable[] | undefined =>
  allOrNone(
    entries.map((entry): Variable | undefined => {
      const named = readNamed(entry, variableName, value, place);
      return named && { kind: 'value', variable: named.name, value: named.value, range: named.range };
    }),
  );

/** A name, a list of names and KEY=value, or a mapping (R-DCK-22, R-DCK-26, R-DCK-42). */
export const env: Shape<readonly Variable[]> = {
  schema: {
    anyOf: [
      text.schema,
      {
        type: 'array',
        items: { anyOf: [{ type: 'string' }, { type: 'object', propertyNames: variableName.schema, additionalProperties: value.schema }] },
      },
      { type: 'object', propertyNames: variableName.schema, additionalProperties: value.schema },
      { type: 'null' },
    ],
  },
  read: (node, place) => {
    if (isEmpty(node)) return [];
    const items = node.kind === 'list' ? node.items : [node];
    const read = allOrNone(items.map((item) => readItem(item, { ...place, range: item.range })));
    return read?.flat();
  },
};

/** The variable of a stage's output: its name in upper case, with `_` for all that no shell could read (R-DCK-23, R-DCK-25). */
export const variableOf = (name: string): string =>
  name
    .toUpperCase()
    .replace(/[^A-Z0-9_]/gu, '_')
    .replace(/^(?=\d)/, '_');

/** What AWS's tools call the credentials of stages with these names (R-DCO-47). */
const awsNames: ReadonlySet<string> = new Set(['ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN']);

/** The variables as the plan has them; a variable that is given twice is reported. */
export const resolveEnv = (variables: readonly Variable[], isStage: (name: string) => boolean, report: Place['report']): Env => {
  const given = new Map<string, Range>();
  const resolved: [string, EnvValue][] = [];
  const aliases: [string, EnvValue][] = [];
  for (const item of variables) {
    const [variable, meaning] = item.kind === 'value' ? [item.variable, item.value] : meaningOf(item, isStage(item.name));
    if (item.kind === 'name' && meaning.kind === 'outside' && /[\s$"'`]/.test(item.name)) {
      const message = `${quoted(item.name)} is neither a stage, nor a name, nor KEY=value.`;
      report({ code: 'BAD_VARIABLE', message, hint: 'A name is that of a stage or of a variable from outside.', range: item.range });
    }
    if (item.kind === 'name' && /^_*$/.test(variable)) {
      const message = `There is no variable that could be called like ${quoted(item.name)}.`;
      report({ code: 'BAD_VARIABLE', message, hint: `Give it a name: "NAME: { stage: ${item.name} }".`, range: item.range });
    }
    const first = given.get(variable);
    if (first !== undefined) {
      const message = `The variable ${variable} is given twice, first in line ${first.start.line}.`;
      report({ code: 'DUPLICATE_KEY', message, hint: 'Remove one of them, or give it another name.', range: item.range });
      continue;
    }
    given.set(variable, item.range);
    resolved.push([variable, meaning]);
    if (item.kind === 'name' && meaning.kind === 'output' && awsNames.has(variable)) aliases.push([`AWS_${variable}`, meaning]);
  }
  return Object.fromEntries([...aliases.filter(([name]) => !given.has(name)), ...resolved]);
};

/** What is no stage comes from outside, under its own name where a shell can read that (R-DCK-24). */
const meaningOf = ({ name, range }: Variable & { readonly kind: 'name' }, isStage: boolean): readonly [string, EnvValue] => {
  if (isStage) return [variableOf(name), { kind: 'output', stage: name }];
  const upper = variableOf(name);
  const outside: EnvValue = { kind: 'outside', name, ...(upper === name ? {} : { or: upper }), range };
  return [/^[A-Za-z_]\w*$/.test(name) ? name : upper, outside];
};
