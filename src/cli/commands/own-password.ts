import { askLine } from '../ask-line.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { refuseInTheClear } from '../in-the-clear.ts';
import { visible } from '../printers/visible.ts';
import { readSecret } from '../read-secret.ts';
import { Refusal } from '../refusal.ts';
import type { RemoteOptions } from '../remote/open-remote.ts';
import { withLogin, whoIs } from '../server-login.ts';
import { serverOf } from '../server-of.ts';
import { write } from '../write.ts';

export type OwnPasswordOptions = Pick<RemoteOptions, 'server'> & { readonly account?: string };

/** Takes another password, by the one of before: a token cannot (atk-65). Both are typed unseen, or are two lines of stdin. */
export const ownPassword = async (context: Context, { account, server }: OwnPasswordOptions): Promise<ExitCode> => {
  const { url, token } = await serverOf(context, typeof server === 'string' ? { server } : {});
  if (token === undefined) refuseInTheClear(context, url);
  const me = account === undefined && token !== undefined ? await whoIs(url, token) : undefined;
  if (me?.hasPassword === false) {
    const hint = `An admin gives one: cion accounts reset ${visible(me.name)}`;
    throw new Refusal('PASSWORD_NONE', `${visible(me.name)} logs in with a forge alone and has no password here.`, hint);
  }
  const owner = account ?? me?.name ?? (await typedName(context));
  const { current, password } = await bothPasswords(context, owner);
  await withLogin(url, owner, current, (session) => session.changePassword(current, password));
  await write(
    context.stdout,
    `${visible(owner)} has another password now, and its other sessions are over. Its tokens are good as before.\n`,
  );
  return exitCodes.passed;
};

const bothPasswords = async (context: Context, owner: string): Promise<{ readonly current: string; readonly password: string }> => {
  if (context.stdin.isTTY) {
    const current = await readSecret(context, `Password of ${visible(owner)}: `);
    return { current, password: await readSecret(context, 'New password (12 characters or more): ') };
  }
  const [current = '', password = ''] = (await readSecret(context, '')).split(/\r?\n/);
  if (password !== '') return { current, password };
  throw new Refusal(
    'SECRET_REFUSED',
    'No new password was given.',
    'Where stdin is no terminal it has two lines: the password of now, and the new one.',
  );
};

const typedName = async (context: Context): Promise<string> => {
  const name = context.stdin.isTTY ? await askLine(context, 'Name: ') : undefined;
  if (name) return name;
  throw new Refusal('USAGE', 'Whose password?', 'Say --account NAME, or log in first: cion login --server URL.');
};
