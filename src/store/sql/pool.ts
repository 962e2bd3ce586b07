import type { PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { asStoreError } from './sql-error.ts';

/**
 * Connections for kysely that throw StoreError alone. One that broke is not used again; the next who asks gets a new one. int8 comes as a number:
 * epoch ms, counts and sequences; one that is not exact as such is an error.
 */
export const poolOf = (config: pg.PoolConfig): PostgresPool => {
  const pool = new pg.Pool({ ...config, types: { getTypeParser } });
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
