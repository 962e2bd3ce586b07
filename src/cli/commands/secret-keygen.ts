import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { stateUnwritable } from '../../local/local-error.ts';
import { newIdentity, recipientOf } from '../../secrets/age.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { ownKeyFile } from '../identities.ts';
import { Refusal } from '../refusal.ts';
import { write } from '../write.ts';

/** Makes a key that only this user can read, replaces none, and says its public half. */
export const secretKeygen = async (context: Context, { out }: { readonly out?: string }): Promise<ExitCode> => {
  const file = out === undefined ? ownKeyFile(context) : resolve(context.cwd, out);
  const identity = await newIdentity();
  const recipient = await recipientOf(identity);
  try {
    if (out === undefined) await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(`# public key: ${recipient}\n${identity}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw stateUnwritable(file, error);
    throw new Refusal('IDENTITY_EXISTS', `There is a key ${file} already, and it is kept.`, '--out FILE writes another one elsewhere.');
  }
  await write(context.stdout, `${recipient}\n`);
  context.stderr.write(`The secret key is in ${file}. Keep a copy: without it nobody reads what is encrypted to it.\n`);
  return exitCodes.passed;
};
