import { setTimeout as sleep } from 'node:timers/promises';
import { signature } from '../server/forges/signature.ts';
import { unverified } from '../api/unverified-error.ts';
import { Refusal } from './refusal.ts';

/** A ref that moved, as git tells its hooks. */
export type MovedRef = { readonly ref: string; readonly old: string; readonly new: string; readonly commit?: string; readonly by: string };

/** The server could not be told. */
export class HookCallError extends Error {
  readonly code = 'HOOK_UNREACHABLE';
  readonly hint: string;

  constructor(message: string, hint = 'The commit is there all the same: tell the server again with --ref and --commit when it is back.') {
    super(message);
    this.name = 'HookCallError';
    this.hint = hint;
  }

  /** It is not lost. */
  kept(directory: string): HookCallError {
    return new HookCallError(this.message, `It is kept in ${directory}: the next push tells of it, or "cion trigger" with --untold.`);
  }
}

const pausesMs = [500, 2000];
const answerMs = 10_000;

/** Tells the server of it, signed with the secret of the project. Rejects with Refusal, UnverifiedError and HookCallError; they have nothing of the secret. */
export const callHook = async (url: URL, secret: string, moved: MovedRef): Promise<void> => {
  for (const pauseMs of [...pausesMs, undefined]) {
    const answer = await send(url, secret, moved);
    if (answer === undefined) return;
    if (pauseMs === undefined) throw new HookCallError(`${url.host} could not be told of the commit: ${answer}.`);
    await sleep(pauseMs);
  }
};

/** Answers why it may succeed later; `undefined`: it is told. The time is said anew with each try, for the server takes nothing old. */
const send = async (url: URL, secret: string, moved: MovedRef): Promise<string | undefined> => {
  const body = Buffer.from(JSON.stringify({ ...moved, at: Math.floor(Date.now() / 1000) }));
  const headers = { 'content-type': 'application/json', 'x-cion-signature': `sha256=${signature(body, secret)}` };
  try {
    const answer = await fetch(url, { method: 'POST', redirect: 'manual', headers, body, signal: AbortSignal.timeout(answerMs) });
    await answer.body?.cancel();
    if (answer.ok) return undefined;
    if (answer.status === 401 || answer.status === 404) {
      throw new Refusal('HOOK_REFUSED', `${url.host} refuses it.`, 'Check the address, CION_HOOK_SECRET, and that the clocks agree.');
    }
    return `it answers ${answer.status}`;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const stranger = unverified(url.href, error);
    if (stranger !== undefined) throw stranger;
    const cause = error instanceof Error ? error.cause : undefined;
    return cause instanceof Error && 'code' in cause ? `it cannot be reached (${String(cause.code)})` : 'it does not answer';
  }
};
