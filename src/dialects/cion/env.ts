import type { EnvValue } from '../../plan/plan.ts';
import { encrypted } from '../encrypted.ts';
import { looseEntries, type Named, readNamed, record } from '../entries.ts';
import { mapping, optional } from '../mapping.ts';
import { allOrNone, anyText, blame, byKind, mapped, type Place, type Shape, type TextShape, wrongType } from '../shape.ts';
import { isEmpty, type YamlEntry, type YamlScalar } from '../yaml.ts';
import { reservedVariables } from './directories.ts';
import { stageName, variableName } from './names.ts';

export type Env = Readonly<Record<string, EnvValue>>;

const literal = (value: string): EnvValue => ({ kind: 'literal', value });

const fromElsewhere: Shape<EnvValue> = mapped(
  mapping(
    {
      outside: optional(variableName, 'The variable of this name where cion is run. Without it the run fails before any container starts.'),
      secret: optional(variableName, 'The secret of this name; its value is kept out of the logs.'),
      encrypted: optional(encrypted, 'A secret encrypted with age, as "cion secret encrypt" prints it; read with the key of who runs it.'),
      output: optional(stageName, 'What the stage of this name wrote to stdout, outer white space trimmed.'),
    },
    {
      apart: [
        ['outside', 'secret'],
        ['outside', 'output'],
        ['secret', 'output'],
        ['outside', 'encrypted'],
        ['secret', 'encrypted'],
        ['output', 'encrypted'],
      ],
    },
  ),
  ({ outside, secret, output, encrypted: ciphertext }, place): EnvValue | undefined => {
    if (outside !== undefined) return { kind: 'outside', name: outside };
    if (secret !== undefined) return { kind: 'secret', name: secret };
    if (output !== undefined) return { kind: 'output', stage: output };
    if (ciphertext !== undefined) return { kind: 'encrypted', ciphertext };
    return blame(place, {
      code: 'EMPTY_VALUE',
      message: `"${place.path}" is empty.`,
      hint: 'Write a text, or one of { outside: NAME }, { secret: NAME }, { output: stage } and { encrypted: … }.',
    });
  },
);

const envValue: Shape<EnvValue> = byKind<EnvValue>({ scalar: { ...mapped(anyText, literal), what: 'a text' }, map: fromElsewhere });

/** `KEY=value` as an entry. */
const assignment = (scalar: YamlScalar, place: Place): YamlEntry | undefined => {
  const equals = scalar.text.indexOf('=');
  if (equals > 0) {
    const part = (text: string): YamlScalar => ({ ...scalar, style: 'quoted', text });
    return { key: part(scalar.text.slice(0, equals)), value: part(scalar.text.slice(equals + 1)) };
  }
  return blame(place, {
    code: 'BAD_VARIABLE',
    message: `An item of "${place.path}" is not KEY=value.`,
    hint: 'To hand on a variable of where cion is run, write "KEY: { outside: KEY }".',
  });
};

const envShape = (name: TextShape<string>): Shape<Env> => {
  const form = record(name, envValue);
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
      const entries = looseEntries(node, place, assignment);
      const variables = allOrNone(entries.map((entry) => readNamed(entry, name, envValue, place)));
      return variables && envOf(variables);
    },
  };
};

const envOf = (variables: readonly Named<EnvValue>[]): Env => Object.fromEntries(variables.map(({ name, value }) => [name, value]));

const ownVariableName: TextShape<string> = {
  ...mapped(variableName, (name, place) => {
    if (!reservedVariables.includes(name)) return name;
    return blame(place, {
      code: 'RESERVED_VARIABLE',
      message: `"${name}" is set by cion and cannot be set here.`,
      hint: 'Give your variable another name.',
    });
  }),
  what: variableName.what,
  schema: { type: 'string', pattern: `^(?!(${reservedVariables.join('|')})$)[A-Za-z_][A-Za-z0-9_.-]*$` },
};

/** Additional variables of a stage: map or list of KEY=value, values as they are written (R-CIO-27, R-CIO-28). */
export const stageEnv: Shape<Env> = envShape(ownVariableName);

/** A service is given no directories, so that no name is taken. */
export const serviceEnv: Shape<Env> = envShape(variableName);
