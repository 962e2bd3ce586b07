import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AuditFilter, AuditRecord, AuditStore } from './audit.ts';

export type AuditUnderTest = { readonly audit: AuditStore; readonly close: () => Promise<void> };

/** What every adapter of AuditStore promises. */
export const auditContract = (name: string, skip: string | false, make: () => Promise<AuditUnderTest>): void => {
  describe(`${name} keeps the contract of AuditStore`, { skip }, () => {
    let made: AuditUnderTest;
    let audit: AuditStore;
    before(async () => {
      made = await make();
      audit = made.audit;
    });
    after(() => made.close());

    const ada = { kind: 'account', account: 'acc_1', name: 'ada' } as const;
    const records: readonly Omit<AuditRecord, 'number'>[] = [
      { at: 1000, actor: { kind: 'anonymous' }, action: 'login', outcome: 'refused', detail: { address: '203.0.113.7' } },
      { at: 2000, actor: ada, action: 'run.cancel', project: 'acme/shop', outcome: 'done', detail: {} },
      { at: 3000, actor: ada, action: 'login', outcome: 'done', detail: { by: 'it\'s "quoted" – ü' } },
      { at: 3000, actor: { kind: 'worker', worker: 'w-1' }, action: 'worker.claim', project: 'acme/shop', outcome: 'refused', detail: {} },
    ];

    it('keeps what it is told in its order, and gives it back by who, where and what, a page at a time', async () => {
      for (const record of records) await audit.append(record);
      const found = async (filter: Partial<AuditFilter>) => audit.list({ limit: 100, ...filter });
      const withoutNumbers = (list: readonly AuditRecord[]) => list.map(({ number: _number, ...record }) => record);
      const all = await found({});
      assert.deepEqual(withoutNumbers(all), records.toReversed());
      assert.deepEqual(withoutNumbers(await found({ account: 'acc_1' })), [records[2], records[1]]);
      assert.deepEqual(withoutNumbers(await found({ project: 'acme/shop' })), [records[3], records[1]]);
      assert.deepEqual(withoutNumbers(await found({ action: 'login', account: 'acc_1' })), [records[2]]);
      const page = await found({ limit: 3 });
      assert.deepEqual(await found({ before: page.at(-1)?.number ?? 0 }), all.slice(3));
    });
  });
};
