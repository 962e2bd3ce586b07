import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { identitiesOf, type IdentityOptions } from '../identities.ts';
import { openOrRefuse } from '../open-or-refuse.ts';
import { Refusal } from '../refusal.ts';
import { write } from '../write.ts';

/** Prints what a file, or what is pasted from a configuration, says in the clear: exactly, without a line break of ours. */
export const secretDecrypt = async (context: Context, file: string | undefined, options: IdentityOptions): Promise<ExitCode> => {
  const encrypted = file === undefined ? await piped(context.stdin) : await contentOf(resolve(context.cwd, file));
  await write(context.stdout, await openOrRefuse(unindented(encrypted), await identitiesOf(context, options), file ?? 'The text'));
  return exitCodes.passed;
};

const piped = async (stdin: NodeJS.ReadStream): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
};

const contentOf = (file: string): Promise<Buffer> =>
  readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new Refusal('SECRETS_UNREADABLE', `${file} cannot be read: ${error.code ?? error.message}.`);
  });

/** An armored text as it stands in YAML, perhaps below its keys. */
const unindented = (encrypted: Buffer): Buffer => {
  const armor = /-----BEGIN AGE ENCRYPTED FILE-----[^]*?-----END AGE ENCRYPTED FILE-----/.exec(encrypted.toString('latin1'));
  return armor === null ? encrypted : Buffer.from(armor[0].replace(/^[ \t]+|\r$/gm, ''));
};
