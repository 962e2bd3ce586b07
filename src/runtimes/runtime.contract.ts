import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newRunId } from '../lib/ids.ts';
import { buildContract } from './contract/build.contract.ts';
import { type ContractNeed, type ContractSubject, type ContractTest, newCase } from './contract/case.contract.ts';
import { commitContract } from './contract/commit.contract.ts';
import { crashContract } from './contract/crash.contract.ts';
import { environmentContract } from './contract/environment.contract.ts';
import { exitContract } from './contract/exit.contract.ts';
import { fileContract } from './contract/file.contract.ts';
import { imageContract } from './contract/image.contract.ts';
import { logContract } from './contract/log.contract.ts';
import { partContract } from './contract/part.contract.ts';
import { serviceContract } from './contract/service.contract.ts';
import { stepsContract } from './contract/steps.contract.ts';
import { sweepContract } from './contract/sweep.contract.ts';
import { volumeContract } from './contract/volume.contract.ts';

const allContracts = [
  exitContract,
  logContract,
  environmentContract,
  fileContract,
  volumeContract,
  serviceContract,
  imageContract,
  buildContract,
  commitContract,
  partContract,
  crashContract,
  stepsContract,
  sweepContract,
];

/** Registers the tests that every Runtime passes. `skips` says for each thing that the adapter lacks why it does. */
export const runtimeContract = (
  make: () => Promise<ContractSubject>,
  skips: Partial<Record<ContractNeed, string>> = {},
  contracts: readonly ((test: ContractTest) => void)[] = allContracts,
): void => {
  let made: ContractSubject | undefined;

  before(async () => {
    made = await make();
  });
  after(() => made?.close());

  const register: ContractTest = (name, needs, body, options = {}) => {
    const lacking = needs.map((need) => skips[need]).find((reason) => reason !== undefined);
    test(name, { timeout: options.timeoutMs ?? 60_000, ...(lacking === undefined ? {} : { skip: lacking }) }, async (t) => {
      assert.ok(made);
      const run = newRunId(Date.now());
      try {
        await body(newCase(made, run, t.signal));
      } finally {
        await made.runtime.sweep({ kind: 'run', run }, AbortSignal.timeout(30_000));
      }
      assert.deepEqual(await made.left(run), [], 'the sweep of the run left something');
    });
  };

  for (const contract of contracts) contract(register);
};
