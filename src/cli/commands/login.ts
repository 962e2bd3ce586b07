import { askLine } from '../ask-line.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { readServers, serversFile, writeServers } from '../known-servers.ts';
import { visible } from '../printers/visible.ts';
import { readLines, readNewPassword, readPassword } from '../read-password.ts';
import { readSecret } from '../read-secret.ts';
import { Refusal } from '../refusal.ts';
import { refuseInTheClear } from '../in-the-clear.ts';
import { tokenByPassword, tokenBySetup, waysToLogin, whoIs } from '../server-login.ts';
import { checkedToken, serverOf, type ServerOptions } from '../server-of.ts';
import { write } from '../write.ts';

export type LoginOptions = ServerOptions & {
  readonly token?: boolean;
  readonly admin?: boolean;
  readonly setup?: boolean;
  readonly insecureHttp?: boolean;
};

/** Keeps a token for a server: one that was made before, or one that it makes for a name and a password, or for its first account. */
export const login = async (
  context: Context,
  { token: wantsToken = false, admin = false, setup = false, insecureHttp = false, ...options }: LoginOptions,
): Promise<ExitCode> => {
  const { url } = await serverOf(context, options);
  refuseInTheClear(context, url, insecureHttp);
  const { isTTY } = context.stdin;
  const hasNobody = setup || (isTTY && !wantsToken) ? (await waysToLogin(url)).setup : false;
  if (setup && !hasNobody)
    throw new Refusal('SERVER_REFUSED', `At ${url} there is an admin already.`, `Log in: cion login --server ${url}`);
  const token = checkedToken(
    hasNobody
      ? await byFirst(context, url)
      : wantsToken || !isTTY
        ? await readSecret(context, 'Token: ')
        : await byPerson(context, url, admin),
    ...(isTTY || setup ? [] : [onlyToken(url)]),
  );
  const { name } = await whoIs(url, token);
  const { servers } = await readServers(context);
  await writeServers(context, { current: url, servers: { ...servers, [url]: { name, token } } });
  await write(context.stdout, `Logged in at ${url} as ${visible(name)}.\n`);
  context.stderr.write(`The token is in ${serversFile(context)}.\n`);
  return exitCodes.passed;
};

/** Forgets the token of a server. It stays good until it is revoked or its time is over. */
export const logout = async (context: Context, options: ServerOptions): Promise<ExitCode> => {
  const { url } = await serverOf(context, options);
  const { current, servers } = await readServers(context);
  const { [url]: gone, ...others } = servers;
  await writeServers(context, { servers: others, ...(current === undefined || current === url ? {} : { current }) });
  const said =
    gone === undefined
      ? `There was no login at ${url}.`
      : `Logged out at ${url}. The token is good until it is revoked: cion tokens revoke.`;
  await write(context.stdout, `${said}\n`);
  return exitCodes.passed;
};

const onlyToken = (url: string): string =>
  'Where stdin is no terminal it has a token, and no name and password. These make one:' +
  ` "cion tokens create NAME --scopes read,run --account YOU --server ${url}", which reads the password, or ${url}/tokens in a browser;` +
  ' of a server without an account "cion login --setup".';

const byPerson = async (context: Context, url: string, isAdmin: boolean): Promise<string> => {
  if ((await waysToLogin(url)).ways.some((way) => way !== 'password')) {
    context.stderr.write(`Who has no password here makes a token at ${url}/tokens, in a browser, and pastes it.\n`);
  }
  const name = await readName(context, 'Name (empty: paste a token that was made before): ');
  return name === '' ? readSecret(context, 'Token: ') : tokenByPassword(url, name, await readPassword(context, 'Password: '), isAdmin);
};

/** Asked for one by one on a terminal, else three lines. */
const byFirst = async (context: Context, url: string): Promise<string> => {
  if (!context.stdin.isTTY) {
    const hint = 'They are the setup token, a name and a password.';
    const [token = '', name = '', password = ''] = await readLines(context, 3, hint);
    return tokenBySetup(url, token, name, password);
  }
  context.stderr.write(`${url} has no account yet: this makes the first, an admin.\n`);
  const token = await readSecret(context, 'Setup token (the server printed it when it started): ');
  const name = await readName(context, 'Name: ');
  return tokenBySetup(url, token, name, await readNewPassword(context, 'Password (12 characters or more): '));
};

const readName = async (context: Context, question: string): Promise<string> => {
  const name = await askLine(context, question);
  if (name === undefined) throw new Refusal('SECRET_REFUSED', 'No name was given.');
  return name;
};
