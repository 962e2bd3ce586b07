import type { PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { asStoreError } from './sql-error.ts';

export type PoolOptions = pg.PoolConfig & {
  /** Each connection says it. */
  readonly holder: string;
  /** Something was refused because another server has the database. */
  readonly onReplaced: () => void;
};

/**
 * Connections for kysely that throw StoreError alone. One that broke is not used again; the next who asks gets a new one. int8 comes as a number:
 * epoch ms, counts and sequences; one that is not exact as such is an error.
 */
export const poolOf = ({ holder, onReplaced, ...config }: PoolOptions): PostgresPool => {
  const pool = new pg.Pool({
    ...config,
    types: { getTypeParser },
    // It is waited for, which its type does not say.
    onConnect: (client) => client.query(`select set_config('cion.holder', $1, false)`, [holder]) as unknown as void,
  });
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return {
    options: config,
    connect: async () => {
      const client = await pool.connect().catch((error: unknown) => Promise.reject(asStoreError(error)));
      let broken = false;
      const query = async (text: string, values: readonly unknown[]): Promise<unknown> => {
        try {
          return await client.query(text, [...values]);
        } catch (error) {
          const wrong = asStoreError(error);
          broken ||= wrong.code === 'STORE_UNAVAILABLE';
          if (wrong.code === 'STORE_LOCKED') onReplaced();
          throw wrong;
        }
      };
      return { query: query as PostgresPoolClient['query'], release: () => client.release(broken) };
    },
    end: () => pool.end(),
  };
};

const int8 = 20;

const getTypeParser = ((oid: number, format?: 'text') =>
  oid === int8 ? exactNumber : (pg.types.getTypeParser(oid, format) as unknown)) as typeof pg.types.getTypeParser;

const exactNumber = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('an int8 that is no exact number');
  return value;
};
