import type { EnvValue } from '../plan/plan.ts';
import type { Problem } from '../plan/problem.ts';
import type { EnvironmentValue } from '../runtimes/runtime.ts';
import type { Opened, Unreadable } from '../secrets/opened.ts';

/** What comes from outside of the plan: variables and secrets by name; `undefined` where there is none, empty is a value (R-DCK-40). */
export type Outside = {
  variable(name: string): string | undefined;
  /** Also what only the project's file of secrets has. */
  secret(name: string): string | undefined;
  /** The encrypted values of the plan by their ciphertext, opened before the run starts. Absent: there was no key. */
  readonly encrypted?: ReadonlyMap<string, Opened>;
  /** The project's file of secrets is there and could not be read. */
  readonly unreadable?: Unreadable;
};

/** The values that are not made by the run itself. */
export type GivenValue = EnvValue & { readonly kind: 'outside' | 'secret' | 'encrypted' };

/** `undefined` when it is missing. A variable that nobody gave may be one of the project's secrets; then it is treated as one. */
export const given = (value: GivenValue, outside: Outside): EnvironmentValue | undefined => {
  switch (value.kind) {
    case 'outside': {
      const names = value.or === undefined ? [value.name] : [value.name, value.or];
      const variable = firstOf(names, outside.variable);
      return variable === undefined ? secret(firstOf(names, outside.secret)) : { value: variable, secret: false };
    }
    case 'secret':
      return secret(outside.secret(value.name));
    case 'encrypted': {
      const opened = openedOf(value, outside);
      return opened.ok ? secret(opened.text) : undefined;
    }
  }
};

const firstOf = (names: readonly string[], get: (name: string) => string | undefined): string | undefined =>
  names.map(get).find((value) => value !== undefined);

const secret = (value: string | undefined): EnvironmentValue | undefined => (value === undefined ? undefined : { value, secret: true });

const openedOf = ({ ciphertext }: EnvValue & { readonly kind: 'encrypted' }, { encrypted }: Outside): Opened =>
  encrypted?.get(ciphertext) ?? { ok: false, why: 'no-key' };

/** Why there is no value. `name`: of the stage's variable. */
export const missingProblem = (value: GivenValue, name: string, stage: string, outside: Outside): Problem => {
  switch (value.kind) {
    case 'outside':
      return outside.unreadable === undefined
        ? {
            code: 'VARIABLE_MISSING',
            message: `"${stage}" needs the variable ${value.name}, which is not set.`,
            hint: `Set it: --env ${value.name}=…, an --env-file, or the environment of cion.`,
          }
        : unreadable(outside.unreadable, `"${stage}" needs the variable ${value.name}, which is not set, and ${theFile}`);
    case 'secret':
      return outside.unreadable === undefined
        ? {
            code: 'SECRET_MISSING',
            message: `"${stage}" needs the secret ${value.name}, which is not set.`,
            hint: 'Give it in an --env-file or in the environment of cion, or add it to the project: cion secret edit.',
          }
        : unreadable(outside.unreadable, `"${stage}" needs the secret ${value.name}, which is not set, and ${theFile}`);
    case 'encrypted': {
      const opened = openedOf(value, outside);
      return unreadable(opened.ok ? 'damaged' : opened.why, `The encrypted ${name} of "${stage}"`);
    }
  }
};

const theFile = 'the file .cion.secrets.age, where it may be,';

/** `what` begins the sentence. */
const unreadable = (why: Unreadable, what: string): Problem => {
  switch (why) {
    case 'no-key':
      return {
        code: 'SECRET_KEY_MISSING',
        message: `${what} cannot be read: there is no key.`,
        hint: 'Give it: --identity FILE, CION_AGE_KEY_FILE, or the key itself in CION_AGE_KEY. A resumed or repeated run needs it again.',
      };
    case 'bad-key':
      return {
        code: 'SECRET_KEY_INVALID',
        message: `${what} cannot be read: the key that was given is no age identity.`,
        hint: 'See that the line AGE-SECRET-KEY-1… of the key is complete.',
      };
    case 'other-key':
      return {
        code: 'SECRET_NOT_FOR_THIS_KEY',
        message: `${what} cannot be read: it is encrypted to other keys than the one that was given.`,
        hint: 'Give another key, or have it encrypted to this one too, by somebody who can read it.',
      };
    case 'damaged':
      return {
        code: 'SECRET_DAMAGED',
        message: `${what} cannot be read: it is damaged.`,
        hint: 'Take it from an earlier commit, or encrypt the value again: cion secret encrypt.',
      };
  }
};
