import type { Clock } from '../../lib/clock.ts';
import { AuthError } from './auth-error.ts';

/** How long after a log-in its session gives its account what outlives it: tokens, further ways to log in. One that is stolen later makes nothing that lasts (atk-65). */
export const freshMs = 15 * 60_000;

/** `since`: its log-in, epoch ms. */
type LoggedIn = { readonly since: number };

export const isFresh = ({ since }: LoggedIn, clock: Pick<Clock, 'now'>): boolean => clock.now() - since < freshMs;

/** `what` it is for: `make a token`. */
export const staleLogin = (what: string): AuthError =>
  new AuthError('LOGIN_STALE', `This log-in is older than ${freshMs / 60_000} minutes: log in again to ${what}.`);

/** Throws LOGIN_STALE. */
export const checkFresh = (login: LoggedIn, clock: Pick<Clock, 'now'>, what: string): void => {
  if (!isFresh(login, clock)) throw staleLogin(what);
};
