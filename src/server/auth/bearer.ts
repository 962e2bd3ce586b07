import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What proves who somebody is by having it: 256 random bits behind a prefix that says what it is, so that scanners of leaks know it. */
export type BearerKind = 'account' | 'worker' | 'setup' | 'session';

const prefixes: Readonly<Record<BearerKind, string>> = { account: 'cion_', worker: 'cion_worker_', setup: 'cion_setup_', session: '' };

export const newBearer = (kind: BearerKind): string => `${prefixes[kind]}${randomBytes(32).toString('base64url')}`;

/** What is kept in its place. It has 256 random bits, so nothing slower is needed. */
export const hashOf = (bearer: string): string => createHash('sha256').update(bearer).digest('hex');

export const newId = (prefix: 'acc' | 'ses' | 'tok'): string => `${prefix}_${randomBytes(10).toString('hex')}`;

/** In constant time, whatever their lengths. */
export const isSame = (one: string, other: string): boolean =>
  timingSafeEqual(createHash('sha256').update(one).digest(), createHash('sha256').update(other).digest());

const ours = /cion_(?:worker_|setup_)?[A-Za-z0-9_-]{43}(?:\.[A-Za-z0-9_-]{43})?/g;

export const hasBearer = (text: string): boolean => text.search(ours) !== -1;

/** For what is logged of a request: an address with a token in it is logged without. */
export const withoutBearers = (text: string): string => text.replaceAll(ours, 'cion_…');
