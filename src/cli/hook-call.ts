import { setTimeout as sleep } from 'node:timers/promises';
import { signature } from '../server/forges/signature.ts';
import { unverified } from '../api/unverified-error.ts';
import { visible } from './printers/visible.ts';
import { Refusal } from './refusal.ts';

/** A ref that moved, as git tells its hooks. */
export type MovedRef = { readonly ref: string; readonly old: string; readonly new: string; readonly commit?: string; readonly by: string };

/** The server could not be told. `isOfThisCall`: it is there, and takes others perhaps. */
export class HookCallError extends Error {
  readonly code = 'HOOK_UNREACHABLE';
  readonly hint =
    'The commit is there all the same: tell the server again when it is back, with --untold in the repository of the hook, or with --ref and --commit.';
  readonly isOfThisCall: boolean;

  constructor(message: string, isOfThisCall: boolean) {
    super(message);
    this.name = 'HookCallError';
    this.isOfThisCall = isOfThisCall;
  }
}

const pausesMs = [500, 2000];
const answerMs = 10_000;
/** What of 4xx is not about what was sent. */
const later: ReadonlySet<number> = new Set([408, 425, 429]);

/** Tells the server of it, signed with the secret of the project. Rejects with Refusal, UnverifiedError and HookCallError; they have nothing of the secret. */
export const callHook = async (url: URL, secret: string, moved: MovedRef): Promise<void> => {
  for (const pauseMs of [...pausesMs, undefined]) {
    const failure = await send(url, secret, moved);
    if (failure === undefined) return;
    const { why, isOfThisCall } = failure;
    if (pauseMs === undefined || isOfThisCall)
      throw new HookCallError(`${url.host} could not be told of ${visible(moved.ref)}: ${why}.`, isOfThisCall);
    await sleep(pauseMs);
  }
};

type Failure = { readonly why: string; readonly isOfThisCall: boolean };

/** Answers why it was not told; `undefined`: it is. The time is said anew with each try, for the server takes nothing old. */
const send = async (url: URL, secret: string, moved: MovedRef): Promise<Failure | undefined> => {
  const body = Buffer.from(JSON.stringify({ ...moved, at: Math.floor(Date.now() / 1000) }));
  const headers = { 'content-type': 'application/json', 'x-cion-signature': `sha256=${signature(body, secret)}` };
  try {
    const answer = await fetch(url, { method: 'POST', redirect: 'manual', headers, body, signal: AbortSignal.timeout(answerMs) });
    await answer.body?.cancel();
    if (answer.ok) return undefined;
    if (answer.status === 401 || answer.status === 404) {
      throw new Refusal('HOOK_REFUSED', `${url.host} refuses it.`, 'Check the address, CION_HOOK_SECRET, and that the clocks agree.');
    }
    const isOfThisCall = answer.status >= 400 && answer.status < 500 && !later.has(answer.status);
    return { why: `it answers ${answer.status}`, isOfThisCall };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const stranger = unverified(url.href, error);
    if (stranger !== undefined) throw stranger;
    const cause = error instanceof Error ? error.cause : undefined;
    const why = cause instanceof Error && 'code' in cause ? `it cannot be reached (${String(cause.code)})` : 'it does not answer';
    return { why, isOfThisCall: false };
  }
};
