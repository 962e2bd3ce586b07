import { createInterface } from 'node:readline/promises';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { readServers, serversFile, writeServers } from '../known-servers.ts';
import { readSecret } from '../read-secret.ts';
import { tokenByPassword, whoIs } from '../server-login.ts';
import { checkedToken, isOpenToAll, serverOf, type ServerOptions } from '../server-of.ts';
import { write } from '../write.ts';

/** Keeps a token for a server: one that was made on its page, or one that it makes for a name and a password. */
export const login = async (
  context: Context,
  { token: wantsToken = false, admin = false, ...options }: ServerOptions & { readonly token?: boolean; readonly admin?: boolean },
): Promise<ExitCode> => {
  const { url } = await serverOf(context, options);
  if (isOpenToAll(url)) context.stderr.write(`Everybody between here and ${url} can read what is sent: use https.\n`);
  const token = checkedToken(
    wantsToken || !context.stdin.isTTY ? await readSecret(context, 'Token: ') : await byPerson(context, url, admin),
  );
  const { name } = await whoIs(url, token);
  const { servers } = await readServers(context);
  await writeServers(context, { current: url, servers: { ...servers, [url]: { name, token } } });
  await write(context.stdout, `Logged in at ${url} as ${name}.\n`);
  context.stderr.write(`The token is in ${serversFile(context)}.\n`);
  return exitCodes.passed;
};

/** Forgets the token of a server. It stays good until it is revoked on the page. */
export const logout = async (context: Context, options: ServerOptions): Promise<ExitCode> => {
  const { url } = await serverOf(context, options);
  const { current, servers } = await readServers(context);
  const { [url]: gone, ...others } = servers;
  await writeServers(context, { servers: others, ...(current === undefined || current === url ? {} : { current }) });
  const said = gone === undefined ? `There was no login at ${url}.` : `Logged out at ${url}. The token is good until it is revoked there.`;
  await write(context.stdout, `${said}\n`);
  return exitCodes.passed;
};

const byPerson = async (context: Context, url: string, isAdmin: boolean): Promise<string> => {
  const questions = createInterface({ input: context.stdin, output: context.stderr });
  const name = await questions.question('Name (empty: paste a token that was made on the page of the server): ');
  questions.close();
  return name.trim() === ''
    ? readSecret(context, 'Token: ')
    : tokenByPassword(url, name.trim(), await readSecret(context, 'Password: '), isAdmin);
};
