import { randomBytes } from 'node:crypto';
import { type AccountChangeJson, type AccountRow, accountName } from '../../api/auth.ts';
import type { ApiClient } from '../../api/client.ts';
import { didYouMean } from '../../lib/did-you-mean.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { table } from '../printers/table.ts';
import { visible } from '../printers/visible.ts';
import { dateTime } from '../printers/words.ts';
import { readNewPassword } from '../read-password.ts';
import { Refusal } from '../refusal.ts';
import { openRemote, type RemoteOptions } from '../remote/open-remote.ts';
import { write, writeLines } from '../write.ts';

type Options = Pick<RemoteOptions, 'server'>;
/** `generate`: the password is made here and printed once, in place of being given. */
type PasswordOptions = Options & { readonly generate?: true };

/** All that the server knows, for its admins; never what proves them. */
export const accountList = async (context: Context, { json, ...options }: Options & { readonly json?: true }): Promise<ExitCode> => {
  const { api } = await openRemote(context, options);
  const accounts = await api.accounts();
  const look = looks(context);
  const rows = accounts.map((account) => [
    visible(account.name),
    account.isAdmin ? 'admin' : '',
    visible(waysOf(account).join(', ')),
    dateTime(account.createdAt, look.timeZone),
    account.isClosed ? 'closed' : '',
  ]);
  const columns = [{ title: 'Account' }, { title: 'Right' }, { title: 'Logs in with', min: 8 }, { title: 'Since' }, { title: 'State' }];
  await writeLines(context.stdout, json ? accounts.map((account) => JSON.stringify(account)) : table(columns, rows, look));
  return exitCodes.passed;
};

/** Makes one with a password, with which its owner logs in and gives itself another. */
export const accountAdd = async (
  context: Context,
  name: string,
  { admin, generate, ...options }: PasswordOptions & { readonly admin?: true },
): Promise<ExitCode> => {
  const checked = accountName.safeParse(name);
  if (!checked.success) {
    throw new Refusal('USAGE', `${JSON.stringify(name)} is no name of an account.`, checked.error.issues[0]?.message);
  }
  const { url, api } = await openRemote(context, options);
  const password = await newPassword(context, name, generate);
  await api.makeAccount({ name, password, isAdmin: admin === true });
  await say(context, `${visible(name)} has an account now${admin ? ', and is an admin' : ''}.`, generate && password);
  context.stderr.write(`It logs in with "cion login --server ${url}" and takes a password of its own with "cion accounts password".\n`);
  if (!admin) context.stderr.write(`What it may in a project says "cion members add ${name} --role ROLE --on OWNER/NAME".\n`);
  return exitCodes.passed;
};

/** Another password for who has lost theirs; their sessions end, and their tokens stay. */
export const accountReset = async (context: Context, name: string, { generate, ...options }: PasswordOptions): Promise<ExitCode> => {
  const { api } = await openRemote(context, options);
  const { id } = await findAccount(api, name);
  const password = await newPassword(context, name, generate);
  await api.changeAccount(id, { password });
  await say(
    context,
    `${visible(name)} has another password now, and its sessions are over. Its tokens are good as before.`,
    generate && password,
  );
  return exitCodes.passed;
};

/** Changes an account without a password, and says so. */
export const accountChange = async (
  context: Context,
  name: string,
  options: Options,
  change: Pick<AccountChangeJson, 'isAdmin' | 'isClosed'>,
  said: string,
): Promise<ExitCode> => {
  const { api } = await openRemote(context, options);
  const { id } = await findAccount(api, name);
  await api.changeAccount(id, change);
  await write(context.stdout, `${visible(name)} ${said}.\n`);
  return exitCodes.passed;
};

const waysOf = ({ hasPassword, forges }: AccountRow): readonly string[] => [
  ...(hasPassword ? ['password'] : []),
  ...forges.map(({ kind, login }) => `${kind} as ${login}`),
];

const findAccount = async (api: ApiClient, name: string): Promise<AccountRow> => {
  const accounts = await api.accounts();
  const found = accounts.find((account) => account.name === name);
  if (found !== undefined) return found;
  const known = accounts.map((account) => account.name);
  throw new Refusal(
    'ACCOUNT_UNKNOWN',
    `There is no account ${JSON.stringify(name)}.`,
    didYouMean(name, known) ?? '"cion accounts" lists them.',
  );
};

/** A generated password stands alone on stdout, so that it can go into a variable or a file; else the sentence does. */
const say = async (context: Context, sentence: string, generated: string | false | undefined): Promise<void> => {
  if (typeof generated !== 'string') return write(context.stdout, `${sentence}\n`);
  context.stderr.write(`${sentence} This is its password, which is not shown again:\n`);
  await writeLines(context.stdout, [generated]);
};

const newPassword = async (context: Context, name: string, generate: true | undefined): Promise<string> =>
  generate ? generated(name) : readNewPassword(context, `New password of ${visible(name)} (12 characters or more): `);

/** A server takes none that has the name in it. */
const generated = (name: string): string => {
  const password = randomBytes(18).toString('base64url');
  return password.toLowerCase().includes(name.toLowerCase()) ? generated(name) : password;
};
