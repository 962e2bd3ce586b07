import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRunId } from '../../lib/ids.ts';
import { newCase, script } from '../contract/case.contract.ts';
import { connect } from './engine/connect.ts';
import { findEndpoint } from './engine/endpoint.ts';
import { label, labelFilter } from './labels.ts';
import { dockerSubject } from './testing/contract-subject.ts';

test('a stage that is alone in its run needs no pause container, and a network again when somebody removed it', async (t) => {
  const endpoint = findEndpoint(process.env);
  const engine = await connect(endpoint, AbortSignal.timeout(30_000));
  const subject = await dockerSubject(endpoint, process.env);
  const run = newRunId(Date.now());
  const { item, drive, runtime, signal } = newCase(subject, run, t.signal);
  try {
    for (const text of ['first', 'second']) {
      const alone = { ...item(script(`echo ${text}; ip route | grep -c default`)), alone: true } as const;
      assert.equal((await drive(alone)).text, `${text}\n1\n`);
      const filters = labelFilter({ [label.run]: run, [label.role]: 'pause' });
      assert.deepEqual(await engine.json('GET', '/containers/json', { query: { filters, all: true } }), []);
      await runtime.sweep({ kind: 'run', run }, signal);
      const { networks } = await subject.another().sweep({ kind: 'unused' }, signal);
      assert.equal(networks, 1);
    }
  } finally {
    await subject.close();
    await engine.close();
  }
});
