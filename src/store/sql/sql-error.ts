import { StoreError } from '../store-error.ts';

/** What the driver threw, as a StoreError: with the database's own code and the name of a constraint, and no values. */
export const asStoreError = (error: unknown): StoreError => {
  if (error instanceof StoreError) return error;
  const { code, severity, constraint, message } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const isState = typeof code === 'string' && typeof severity === 'string';
  if (code === replaced) return new StoreError('STORE_LOCKED', 'Another server has taken the database over.');
  if (isState && !meansAway.test(code)) {
    const what = code.startsWith(wrongText) ? message : constraint;
    return new StoreError(
      'STORE_FAILED',
      `The database refused a statement (SQLSTATE ${code}${typeof what === 'string' ? `, ${what}` : ''}).`,
    );
  }
  if (!isState && (error instanceof TypeError || error instanceof RangeError)) {
    return new StoreError('STORE_FAILED', `The answer of the database cannot be read (${error.name}).`);
  }
  const why = typeof code === 'string' ? ` (${code})` : '';
  return new StoreError('STORE_UNAVAILABLE', `The database cannot be reached${why}.`);
};

/** What `check_server` raises. */
const replaced = 'CN001';

/** The statement itself is wrong: what the database says of it has names and no values. */
const wrongText = '42';

/**
 * Connections, resources, operators who end things, logins, no such database, one that has become read-only because it is a stand-by now, one
 * whose time in a transaction was over.
 */
const meansAway = /^(?:08|53|57P|28|3D|58)|^(?:25006|25P03)$/;
