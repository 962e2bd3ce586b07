import type { EnvValue, Service } from '../../plan/plan.ts';
import { encrypted } from '../encrypted.ts';
import { type Env, envShape, envValue } from '../env.ts';
import { mapping, optional } from '../mapping.ts';
import { variableName } from '../names.ts';
import { servicesWith } from '../services.ts';
import { blame, mapped, type Shape, type TextShape } from '../shape.ts';
import { reservedVariables } from './directories.ts';
import { stageName } from './names.ts';

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
    const { range } = place;
    if (outside !== undefined) return { kind: 'outside', name: outside, range };
    if (secret !== undefined) return { kind: 'secret', name: secret, range };
    if (output !== undefined) return { kind: 'output', stage: output };
    if (ciphertext !== undefined) return { kind: 'encrypted', ciphertext, range };
    return blame(place, {
      code: 'EMPTY_VALUE',
      message: `"${place.path}" is empty.`,
      hint: 'Write a text, or one of { outside: NAME }, { secret: NAME }, { output: stage } and { encrypted: … }.',
    });
  },
);

const value = envValue(fromElsewhere);

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
export const stageEnv: Shape<Env> = envShape(ownVariableName, value);

/** A service is given no directories, so that no name is taken. */
export const services: Shape<readonly Service[]> = servicesWith(envShape(variableName, value));
