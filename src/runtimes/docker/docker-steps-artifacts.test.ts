import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newRunId } from '../../lib/ids.ts';
import type { Step } from '../../plan/plan.ts';
import { type ContractSubject, collect, newCase } from '../contract/case.contract.ts';

import { findEndpoint } from './engine/endpoint.ts';
import { dockerSubject } from './testing/contract-subject.ts';

let subject: ContractSubject;
before(async () => {
  subject = await dockerSubject(findEndpoint(process.env), process.env);
});
after(() => subject.close());

const cases = [
  ['nothing', 'true', false],
  ['a message alone', 'echo no >"$CION_REPORT_DIR/message.txt"', false],
  ['a directory that it removed', 'rm -r "$CION_REPORT_DIR"', false],
  ['a file', 'touch "$CION_REPORT_DIR/artifacts/x"', true],
  ['a hidden file', 'touch "$CION_REPORT_DIR/artifacts/.x"', true],
  ['a dangling link', 'ln -s nowhere "$CION_REPORT_DIR/artifacts/..x"', true],
  ['a file, and a failure', 'touch "$CION_REPORT_DIR/artifacts/x"; exit 3', true],
  ['what the command may not read', 'touch "$CION_REPORT_DIR/artifacts/x"; chmod 0 "$CION_REPORT_DIR"', true, '1234'],
] as const;

for (const [left, script, may, user] of cases) {
  test(`whether there are files of steps is known when they left ${left}`, async (t) => {
    const { item, prepare, start, signal } = newCase(subject, newRunId(Date.now()), t.signal);
    const step: Step = { id: 'a', name: 'a', variables: [], action: { kind: 'script', script }, timeouts: {} };
    const one = item({
      command: { kind: 'steps', variables: [], steps: [step], after: [] },
      ...(user === undefined ? {} : { user }),
    });
    await prepare(one);
    const execution = await start(one);
    assert.equal(execution.mayHaveStepArtifacts(), true);
    await collect(execution.logs({ stdout: 0, stderr: 0 }, signal));
    await execution.exit;
    assert.equal(execution.mayHaveStepArtifacts(), may);
  });
}
