import type { TokenJson, TokenRow } from '../../api/auth.ts';
import type { ApiClient } from '../../api/client.ts';
import { askLine } from '../ask-line.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { refuseInTheClear } from '../in-the-clear.ts';
import { looks } from '../looks.ts';
import { table } from '../printers/table.ts';
import { visible } from '../printers/visible.ts';
import { ago, dateTime, list } from '../printers/words.ts';
import { readSecret } from '../read-secret.ts';
import { Refusal } from '../refusal.ts';
import { checkedName, type RemoteOptions } from '../remote/open-remote.ts';
import { withLogin, whoIs } from '../server-login.ts';
import { serverOf } from '../server-of.ts';
import { write, writeLines } from '../write.ts';

type Rights = TokenJson['scopes'];
export type TokenOptions = Pick<RemoteOptions, 'server'> & { readonly account?: string };
export type TokenCreateOptions = TokenOptions & {
  readonly scopes?: Readonly<Rights>;
  readonly on?: string;
  readonly expiresInDays: number;
};

/** Makes a token of an account, which is shown this once: alone on stdout, so that it can go into a file or a variable. */
export const tokenCreate = async (
  context: Context,
  name: string,
  { scopes = [], on, expiresInDays, ...options }: TokenCreateOptions,
): Promise<ExitCode> => {
  if (scopes.length === 0) {
    throw new Refusal(
      'USAGE',
      'What may this token do?',
      'Say so with --scopes: read, run, decide, secrets, settings, admin; with commas between them.',
    );
  }
  const only = on === undefined ? undefined : checkedName(on);
  const { url, owner, made } = await asOwner(context, options, (session) =>
    session.makeToken({ name, scopes: [...scopes], expiresInDays, ...(only === undefined ? {} : { project: only }) }),
  );
  const what = `${list([...scopes])}${only === undefined ? '' : ` in ${visible(only)} alone`}`;
  context.stderr.write(`The token ${visible(name)} of ${visible(owner)}, for ${expiresInDays} days: ${what}. It is not shown again.\n`);
  context.stderr.write(`With it in CION_TOKEN, and CION_SERVER=${url}, cion works in your name.\n`);
  await writeLines(context.stdout, [made.token]);
  return exitCodes.passed;
};

/** The tokens of an account, and never what proves them. */
export const tokenList = async (context: Context, { json, ...options }: TokenOptions & { readonly json?: true }): Promise<ExitCode> => {
  const { owner, made: tokens } = await asOwner(context, options, (session) => session.tokens());
  const look = looks(context);
  const rows = tokens.map((token) => [token.id, visible(token.name), rightsOf(token), ...timesOf(token, Date.now(), look.timeZone)]);
  const columns = [{ title: 'Token' }, { title: 'Name', min: 8 }, { title: 'May', min: 8 }, { title: 'Until' }, { title: 'Used' }];
  const lines = tokens.length === 0 ? [`${visible(owner)} has no tokens.`] : table(columns, rows, look);
  await writeLines(context.stdout, json ? tokens.map((token) => JSON.stringify(token)) : lines);
  return exitCodes.passed;
};

export const tokenRevoke = async (context: Context, id: string, options: TokenOptions): Promise<ExitCode> => {
  await asOwner(context, options, (session) => session.revokeToken(id));
  await write(context.stdout, `${visible(id)} is good for nothing any more.\n`);
  return exitCodes.passed;
};

const rightsOf = ({ scopes, project }: TokenRow): string => `${scopes.join(', ')}${project === undefined ? '' : ` in ${visible(project)}`}`;

/** Until when it is good, and when it was used last. */
export const timesOf = (
  { expiresAt, usedAt }: Pick<TokenRow, 'expiresAt' | 'usedAt'>,
  now: number,
  timeZone: string | undefined,
): readonly string[] => [
  expiresAt === undefined ? '' : `${dateTime(expiresAt, timeZone)}${expiresAt <= now ? ', over' : ''}`,
  usedAt === undefined ? 'never' : ago(usedAt, now),
];

/**
 * In a login of its owner, for a moment: a token neither makes nor ends tokens (atk-65). The password is read from stdin or typed unseen; whose it is says the
 * login of this machine, where nothing else does.
 */
const asOwner = async <T>(
  context: Context,
  { account, server }: TokenOptions,
  use: (session: ApiClient) => Promise<T>,
): Promise<{ readonly url: string; readonly owner: string; readonly made: T }> => {
  const { url, token } = await serverOf(context, typeof server === 'string' ? { server } : {});
  if (token === undefined) refuseInTheClear(context, url);
  const owner = account ?? (token === undefined ? await typedName(context) : (await whoIs(url, token)).name);
  const password = await readSecret(context, `Password of ${visible(owner)}: `);
  return { url, owner, made: await withLogin(url, owner, password, use) };
};

const typedName = async (context: Context): Promise<string> => {
  const name = context.stdin.isTTY ? await askLine(context, 'Name: ') : undefined;
  if (name) return name;
  throw new Refusal('USAGE', 'Whose tokens?', 'Say --account NAME, or log in first: cion login --server URL.');
};
