import type { Clock } from '../../lib/clock.ts';
import type { Session, SessionStore } from '../../store/sessions.ts';
import { hashOf, newBearer, newId } from './bearer.ts';

/** Sessions with their ends: some time after they were last used, and in any case some time after they began. */
export type SessionLife = {
  /** Answers what the cookie is to have: new with each login, so that none can be planted before it (atk-63). */
  begin(account: string, from: Pick<Session, 'address' | 'agent'>): Promise<string>;
  /** `undefined`: there is none, or it is over. */
  find(cookie: string): Promise<Session | undefined>;
};

export type SessionTimes = { readonly idleMs: number; readonly wholeMs: number };

export const defaultTimes: SessionTimes = { idleMs: 7 * 86_400_000, wholeMs: 30 * 86_400_000 };

/** How old `seenAt` may be, so that not each request is a write. */
const seenEveryMs = 60_000;

export const sessionLifeOf = (sessions: SessionStore, clock: Pick<Clock, 'now'>, { idleMs, wholeMs }: SessionTimes): SessionLife => ({
  begin: async (account, { address, agent }) => {
    const cookie = newBearer('session');
    const now = clock.now();
    await sessions.end({ createdBefore: now - wholeMs, seenBefore: now - idleMs });
    await sessions.add({
      id: newId('ses'),
      hash: hashOf(cookie),
      account,
      createdAt: now,
      seenAt: now,
      address: address.slice(0, 100),
      agent: agent.slice(0, 200),
    });
    return cookie;
  },
  find: async (cookie) => {
    const hash = hashOf(cookie);
    const session = await sessions.find(hash);
    if (session === undefined) return undefined;
    const now = clock.now();
    if (now - session.createdAt >= wholeMs || now - session.seenAt >= idleMs) {
      await sessions.end({ hash });
      return undefined;
    }
    if (now - session.seenAt >= seenEveryMs) await sessions.seen(hash, now);
    return session;
  },
});
