import { seal } from '../../secrets/age.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import type { IdentityOptions } from '../identities.ts';
import { projectRoot } from '../project.ts';
import { readSecret } from '../read-secret.ts';
import { recipientsOf } from '../recipients.ts';
import { Refusal } from '../refusal.ts';
import { write } from '../write.ts';

export type EncryptOptions = IdentityOptions & { readonly to?: readonly string[] };

/** Prints an encrypted value as it stands in a configuration. */
export const secretEncrypt = async (context: Context, name: string | undefined, options: EncryptOptions): Promise<ExitCode> => {
  if (name !== undefined && !/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) {
    throw new Refusal(
      'USAGE',
      'That is no name of a variable.',
      'The value is not given as an argument, which others can see: it is read from stdin.',
    );
  }
  const recipients = await recipientsOf(context, await projectRoot(context), options.to ?? [], options);
  const armored = await seal(await readSecret(context, `Value${name === undefined ? '' : ` of ${name}`} (not shown): `), recipients);
  const lines = [
    'encrypted: |',
    ...armored
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ];
  const text = name === undefined ? lines : [`${name}:`, ...lines.map((line) => `  ${line}`)];
  await write(context.stdout, `${text.join('\n')}\n`);
  return exitCodes.passed;
};
