import type { Context } from './context.ts';
import { refuseInTheClear } from './in-the-clear.ts';
import { readServers } from './known-servers.ts';
import { Refusal } from './refusal.ts';

export type ServerOptions = { readonly server?: string };

/** A server and who asks it; without a token: anybody. */
export type ServerAddress = { readonly url: string; readonly token?: string };

/**
 * Which server is meant: `--server`, else CION_SERVER, else where one logged in last. The token is CION_TOKEN, unless that stands beside a CION_SERVER
 * that is another one; else that of the login there: a token never goes to a server that it is not for, nor over a network that all can read, unless its login
 * said so.
 */
export const serverOf = async (context: Pick<Context, 'env'>, { server }: ServerOptions): Promise<ServerAddress> => {
  const { CION_SERVER, CION_TOKEN } = context.env;
  const known = await readServers(context);
  const ofEnvironment = CION_SERVER ? serverUrl(CION_SERVER, 'CION_SERVER') : undefined;
  const url = server === undefined ? (ofEnvironment ?? known.current) : serverUrl(server, '--server');
  if (url === undefined) {
    throw new Refusal('SERVER_UNKNOWN', 'No server is named.', 'Log in with "cion login --server URL", or set CION_SERVER.');
  }
  const isItsToken = ofEnvironment === undefined || ofEnvironment === url;
  const login = known.servers[url]?.token;
  const token = CION_TOKEN && isItsToken ? checkedToken(CION_TOKEN) : login;
  if (token !== undefined) refuseInTheClear(context, url, token === login);
  return token === undefined ? { url } : { url, token };
};

/** Certainly no password and no token. */
const isPlain = (text: string): boolean => /^[\w.:/-]{1,100}$/.test(text) && !text.startsWith('cion_');

/** The same text for the same server. Throws a Refusal. */
export const serverUrl = (text: string, place: string): string => {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new Refusal(
      'USAGE',
      `${place}${isPlain(text) ? ` ${JSON.stringify(text)}` : ''} is no address of a server.`,
      place === '--server'
        ? 'Write --server https://host, or --server alone and last for the server that you are logged in to.'
        : 'Write https://host or https://host/path.',
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new Refusal('USAGE', `${place} has a user or a password in it.`, 'Log in with "cion login".');
  }
  return url.href.replace(/\/+$/, '');
};

export const checkedToken = (
  text: string,
  hint = '"cion login --server URL" makes one for a name and a password; docs/server-login.md says how else.',
): string => {
  const token = text.trim();
  if (/^cion_[\x21-\x7e]+$/.test(token)) return token;
  throw new Refusal('USAGE', 'This is no token of cion: one begins with "cion_".', hint);
};
