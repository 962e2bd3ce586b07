import { parsed, refused } from '../plan/problem.ts';
import { quoted } from './quoted.ts';
import { type TextShape, textAs } from './shape.ts';

export const nameShape = (what: string, form: RegExp, hint: string): TextShape<string> =>
  textAs(what, { type: 'string', pattern: form.source }, (given) =>
    form.test(given) ? parsed(given) : refused({ code: 'BAD_NAME', message: `${quoted(given)} is not ${what}.`, hint }),
  );

export const environmentName = nameShape(
  "an environment's name",
  /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/,
  'Use letters, digits, ".", "_", "/" and "-", at most 63, the first a letter or digit.',
);

export const variableName = nameShape(
  "a variable's name",
  /^[A-Za-z_][A-Za-z0-9_.-]*$/,
  'Use letters, digits, "_", "." and "-", the first a letter or "_".',
);

/** A DNS label: it is the service's host name. `image` is taken for a key of a service that has no name. */
export const serviceName = nameShape(
  "a service's name",
  /^(?!image$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
  'It is a host name, as in "redis: redis:7": lower-case letters, digits and "-" within.',
);
