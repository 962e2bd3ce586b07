import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreError } from '../store-error.ts';
import { asStoreError } from './sql-error.ts';

describe('asStoreError', () => {
  const thrown = (message: string, more: object): Error => Object.assign(new Error(message), more);
  const refused = (code: string): Error => thrown('value "hunter2" is wrong', { severity: 'ERROR', code, detail: 'Key (a)=(hunter2)' });

  it('knows a database that is away, whoever says it', () => {
    const away = [
      thrown('write EPIPE', { code: 'EPIPE' }),
      thrown('read ECONNRESET', { code: 'ECONNRESET' }),
      new Error('Connection terminated unexpectedly'),
      ...['08006', '57P01', '57P03', '53300', '53100', '28P01', '3D000', '25006', '25P03'].map(refused),
    ];
    for (const error of away) assert.equal(asStoreError(error).code, 'STORE_UNAVAILABLE', error.message);
  });

  it('knows a statement that was refused, and tells none of its values', () => {
    for (const code of ['23505', '22P02', 'P0001', 'XX000', '40P01']) {
      const error = asStoreError(refused(code));
      assert.equal(error.code, 'STORE_FAILED');
      assert.match(error.message, new RegExp(`SQLSTATE ${code}`));
      assert.doesNotMatch(JSON.stringify(error, Object.getOwnPropertyNames(error)), /hunter2/);
    }
  });

  it('knows that another server has taken over, and leaves its own errors alone', () => {
    assert.equal(asStoreError(refused('CN001')).code, 'STORE_LOCKED');
    const own = new StoreError('STORE_OUTDATED', 'It is newer.');
    assert.equal(asStoreError(own), own);
  });
});
