import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { ownerOf, ownLogin, type OwnOptions } from '../own-login.ts';
import { visible } from '../printers/visible.ts';
import { readLines, readNewPassword, readPassword } from '../read-password.ts';
import { withLogin } from '../server-login.ts';
import { write } from '../write.ts';

/** Takes another password, by the one of before: a token cannot (atk-65). Both are typed unseen, or are two lines of stdin. */
export const ownPassword = async (context: Context, options: OwnOptions): Promise<ExitCode> => {
  const login = await ownLogin(context, options);
  const owner = await ownerOf(context, login, 'Whose password?', (name) => `An admin gives one: cion accounts reset ${name}`);
  const [current = '', password = ''] = await bothPasswords(context, owner);
  await withLogin(login.url, owner, current, (session) => session.changePassword(current, password));
  await write(
    context.stdout,
    `${visible(owner)} has another password now, and its other sessions are over. Its tokens are good as before.\n`,
  );
  return exitCodes.passed;
};

const bothPasswords = async (context: Context, owner: string): Promise<readonly string[]> => {
  if (!context.stdin.isTTY)
    return readLines(context, 2, 'Where stdin is no terminal it has two lines: the password of now, and the new one.');
  const current = await readPassword(context, `Password of ${visible(owner)}: `);
  return [current, await readNewPassword(context, 'New password (12 characters or more): ')];
};
