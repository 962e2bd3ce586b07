import type { EnvValue } from '../plan/plan.ts';
import { looseEntries, type Named, readNamed, record } from './entries.ts';
import { allOrNone, anyText, blame, byKind, mapped, type Place, type Shape, type TextShape, wrongType } from './shape.ts';
import { isEmpty, type YamlEntry, type YamlScalar } from './yaml.ts';

export type Env = Readonly<Record<string, EnvValue>>;

export const literal = (value: string): EnvValue => ({ kind: 'literal', value });

/** A text, or a mapping that says where the value comes from. */
export const envValue = (fromElsewhere: Shape<EnvValue>): Shape<EnvValue> =>
  byKind<EnvValue>({ scalar: { ...mapped(anyText, literal), what: 'a text' }, map: fromElsewhere });

/** `KEY=value` as an entry. */
export const assignment = (scalar: YamlScalar): YamlEntry | undefined => {
  const equals = scalar.text.indexOf('=');
  if (equals <= 0) return undefined;
  const part = (text: string): YamlScalar => ({ ...scalar, style: 'quoted', text });
  return { key: part(scalar.text.slice(0, equals)), value: part(scalar.text.slice(equals + 1)) };
};

const onlyAssignment = (scalar: YamlScalar, place: Place): YamlEntry | undefined =>
  assignment(scalar) ??
  blame(place, {
    code: 'BAD_VARIABLE',
    message: `An item of "${place.path}" is not KEY=value.`,
    hint: 'To hand on a variable of where cion is run, write "KEY: { outside: KEY }".',
  });

/** A mapping or a list of KEY=value; values are kept as they are written. */
export const envShape = (name: TextShape<string>, value: Shape<EnvValue>): Shape<Env> => {
  const form = record(name, value);
  return {
    schema: {
      anyOf: [
        form.schema,
        {
          type: 'array',
          items: {
            anyOf: [
              { type: 'string', pattern: '^[^=]+=' },
              { type: 'object', maxProperties: 1 },
            ],
          },
        },
      ],
    },
    read: (node, place) => {
      if (isEmpty(node)) return {};
      if (node.kind === 'scalar') return wrongType(node, place, 'a mapping or a list of KEY=value');
      const entries = looseEntries(node, place, onlyAssignment);
      const variables = allOrNone(entries.map((entry) => readNamed(entry, name, value, place)));
      return variables && envOf(variables);
    },
  };
};

const envOf = (variables: readonly Named<EnvValue>[]): Env => Object.fromEntries(variables.map(({ name, value }) => [name, value]));
