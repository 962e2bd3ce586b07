import { randomBytes } from 'node:crypto';
import type { Account } from '../accounts.ts';

/** One that no other test has. */
export const someAccount = (more: Partial<Account> = {}): Account => {
  const own = randomBytes(6).toString('hex');
  return { id: `acc_${own}`, name: `name-${own}`, isAdmin: false, isClosed: false, forges: [], createdAt: 1_700_000_000_000, ...more };
};

export const someHash = (): string => randomBytes(32).toString('hex');
