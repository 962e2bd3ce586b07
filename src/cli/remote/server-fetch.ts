import { unverified } from '../../api/unverified-error.ts';
import { ServerError } from './server-error.ts';

const answerMs = 30_000;

/**
 * `fetch` for a server of cion: an answer begins within 30 s, and then may take its time. A redirect is an error unless who asks wants to see it: to follow it
 * would take a token to somebody else. Rejects with ServerError, with UnverifiedError and with the reason of the signal.
 */
export const serverFetch =
  (url: string): typeof fetch =>
  async (input, init = {}) => {
    const slow = new AbortController();
    const timer = setTimeout(() => slow.abort(new Error(`it does not answer within ${answerMs / 1000} s`)), answerMs);
    try {
      const given = init.signal ?? undefined;
      return await fetch(input, {
        ...init,
        redirect: init.redirect ?? 'error',
        signal: given === undefined ? slow.signal : AbortSignal.any([given, slow.signal]),
      });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      const asked = new URL(input instanceof Request ? input.url : input);
      const place = asked.origin === new URL(url).origin ? url : asked.origin;
      throw unverified(place, error) ?? new ServerError(place, reasonOf(error));
    } finally {
      clearTimeout(timer);
    }
  };

/** Of what fetch or the reading of its answer rejected with. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : error.message;
};
