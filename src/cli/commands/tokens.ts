import type { TokenJson, TokenRow } from '../../api/auth.ts';
import { type ApiClient, apiClient } from '../../api/client.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { table } from '../printers/table.ts';
import { visible } from '../printers/visible.ts';
import { ago, dateTime, list } from '../printers/words.ts';
import { ownerOf, ownLogin, type OwnOptions } from '../own-login.ts';
import { readPassword } from '../read-password.ts';
import { Refusal } from '../refusal.ts';
import { checkedName } from '../remote/open-remote.ts';
import { serverFetch } from '../remote/server-fetch.ts';
import { withLogin } from '../server-login.ts';
import { write, writeLines } from '../write.ts';

type Rights = TokenJson['scopes'];
export type TokenCreateOptions = OwnOptions & {
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
      'Say so with --scopes: read, run, decide, secrets, settings, admin, tokens; with commas between them.',
    );
  }
  const only = on === undefined ? undefined : checkedName(on);
  const { url, owner, by, made } = await asOwner(context, options, (session) =>
    session.makeToken({ name, scopes: [...scopes], expiresInDays, ...(only === undefined ? {} : { project: only }) }),
  );
  const what = `${list([...scopes])}${only === undefined ? '' : ` in ${visible(only)} alone`}`;
  const end =
    by === 'token' && made.expiresAt !== undefined
      ? `until ${dateTime(made.expiresAt, looks(context).timeZone)} and no longer than the token that made it`
      : `for ${expiresInDays} days`;
  context.stderr.write(`The token ${visible(name)} of ${visible(owner)}, ${end}: ${what}. It is not shown again.\n`);
  context.stderr.write(`With it in CION_TOKEN, and CION_SERVER=${url}, cion works in your name.\n`);
  await writeLines(context.stdout, [made.token]);
  return exitCodes.passed;
};

/** The tokens of an account, or those that a token made, and never what proves them. */
export const tokenList = async (context: Context, { json, ...options }: OwnOptions & { readonly json?: true }): Promise<ExitCode> => {
  const { owner, by, made: tokens } = await asOwner(context, options, (session) => session.tokens());
  const look = looks(context);
  const rows = tokens.map((token) => [
    visible(token.id),
    visible(token.name),
    rightsOf(token),
    ...timesOf(token, Date.now(), look.timeZone),
  ]);
  const columns = [{ title: 'Token' }, { title: 'Name', min: 8 }, { title: 'May', min: 8 }, { title: 'Until' }, { title: 'Used' }];
  const none = by === 'token' ? 'The token here has made no others.' : `${visible(owner)} has no tokens.`;
  const lines = tokens.length === 0 ? [none] : table(columns, rows, look);
  await writeLines(context.stdout, json ? tokens.map((token) => JSON.stringify(token)) : lines);
  return exitCodes.passed;
};

export const tokenRevoke = async (context: Context, id: string, options: OwnOptions): Promise<ExitCode> => {
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
 * By the token here, if it has the right `tokens`: then for what it made alone. Else in a login of its owner, for a moment: no other token makes or ends tokens
 * (atk-65). The password is read from stdin or typed unseen; whose it is says the login of this machine, where nothing else does.
 */
const asOwner = async <T>(
  context: Context,
  options: OwnOptions,
  use: (session: ApiClient) => Promise<T>,
): Promise<{ readonly url: string; readonly owner: string; readonly by: 'token' | 'password'; readonly made: T }> => {
  const login = await ownLogin(context, options);
  const { url, here } = login;
  if (here?.me.scopes?.includes('tokens') === true) {
    const made = await use(apiClient({ url, fetch: serverFetch(url), token: here.token }));
    return { url, owner: here.me.name, by: 'token', made };
  }
  const owner = await ownerOf(
    context,
    login,
    'Whose tokens?',
    () => `Tokens are made at ${url}/tokens, in a browser; one with the right "tokens" makes others from here.`,
  );
  const password = await readPassword(context, `Password of ${visible(owner)}: `);
  return { url, owner, by: 'password', made: await withLogin(url, owner, password, use) };
};
