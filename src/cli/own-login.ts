import type { z } from 'zod';
import type { meAnswer } from '../api/auth.ts';
import { askLine } from './ask-line.ts';
import type { Context } from './context.ts';
import { refuseInTheClear } from './in-the-clear.ts';
import { visible } from './printers/visible.ts';
import { Refusal } from './refusal.ts';
import type { RemoteOptions } from './remote/open-remote.ts';
import { whoIs } from './server-login.ts';
import { serverOf } from './server-of.ts';

/** `account`: whose; else that of who is logged in here. */
export type OwnOptions = Pick<RemoteOptions, 'server'> & { readonly account?: string };

/** What is done in a login of its owner, and whose token is here, where nobody else is named. */
export type OwnLogin = {
  readonly url: string;
  readonly account?: string;
  readonly here?: { readonly me: z.infer<typeof meAnswer>; readonly token: string };
};

export const ownLogin = async (context: Context, { account, server }: OwnOptions): Promise<OwnLogin> => {
  const { url, token } = await serverOf(context, typeof server === 'string' ? { server } : {});
  if (token === undefined) refuseInTheClear(context, url);
  if (account !== undefined) return { url, account };
  return token === undefined ? { url } : { url, here: { me: await whoIs(url, token), token } };
};

/** Who has to say a password. `question` is of who is not known, `instead` what one without a password does. */
export const ownerOf = async (
  context: Context,
  { account, here }: OwnLogin,
  question: string,
  instead: (name: string) => string,
): Promise<string> => {
  if (here?.me.hasPassword === false) {
    const name = visible(here.me.name);
    throw new Refusal('PASSWORD_NONE', `${name} logs in with a forge alone and has no password here.`, instead(name));
  }
  const name = account ?? here?.me.name ?? (context.stdin.isTTY ? await askLine(context, 'Name: ') : undefined);
  if (name) return name;
  throw new Refusal('USAGE', question, 'Say --account NAME, or log in first: cion login --server URL.');
};
