import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newRunId } from '../../lib/ids.ts';
import { type ContractSubject, newCase, script } from '../contract/case.contract.ts';
import { findEndpoint } from './engine/endpoint.ts';
import { dockerSubject } from './testing/contract-subject.ts';

let subject: ContractSubject;

before(async () => {
  subject = await dockerSubject(findEndpoint(process.env), process.env);
});
after(() => subject.close());

test('what cannot be started is called by the name of its stage, not of its container', async (t) => {
  const { item, prepare, start } = newCase(subject, newRunId(Date.now()), t.signal);
  const haunted = item({ ...script('true'), name: 'haunted', user: 'ghost' });
  await assert.rejects(
    async () => {
      await prepare(haunted);
      await start(haunted);
    },
    { code: 'CONTAINER_START_FAILED', message: /^the stage "haunted" cannot be started: .*ghost/ },
  );
});
