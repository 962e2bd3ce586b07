import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecipient, recipientOf } from '../secrets/age.ts';
import { keyLines } from '../secrets/key-lines.ts';
import type { Context } from './context.ts';
import { identitiesOf, type IdentityOptions } from './identities.ts';
import { recipientsFile } from '../planning/open-secrets.ts';
import { Refusal } from './refusal.ts';

/** To whom is encrypted: those named, else those of the project's `.cion.recipients`, else the own key. */
export const recipientsOf = async (
  context: Pick<Context, 'cwd' | 'env'>,
  root: string,
  named: readonly string[],
  options: IdentityOptions,
): Promise<readonly string[]> => {
  if (named.length > 0) return checked(named.map((key) => ({ key, place: '--to' })));
  const file = join(root, recipientsFile);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new Refusal('RECIPIENTS_INVALID', `${file} cannot be read: ${error.code ?? error.message}.`, 'Make it a plain file.');
  });
  const listed = keyLines(text ?? '');
  if (listed.length > 0) return checked(listed.map(({ key, line }) => ({ key, place: `${recipientsFile}:${line}` })));
  const own = await Promise.all((await identitiesOf(context, options)).map(recipientOf));
  if (own.length > 0) return own.filter((recipient) => recipient !== undefined);
  throw new Refusal(
    'NO_RECIPIENTS',
    'Nobody is named who may read it.',
    `Make a key (cion secret keygen), name a recipient (--to age1…), or list some in ${recipientsFile}.`,
  );
};

const checked = async (given: readonly { readonly key: string; readonly place: string }[]): Promise<readonly string[]> => {
  for (const { key, place } of given) {
    if (key.startsWith('AGE-SECRET-KEY-')) {
      throw new Refusal(
        'RECIPIENTS_INVALID',
        `${place}: This is a secret key and no recipient.`,
        'Take its public half, which begins with age1.',
      );
    }
    if (!(await isRecipient(key))) {
      throw new Refusal(
        'RECIPIENTS_INVALID',
        `${place}: This is no age recipient.`,
        'A recipient begins with age1, as "cion secret keygen" prints it.',
      );
    }
  }
  return given.map(({ key }) => key);
};
