import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '../../lib/virtual-clock.ts';
import { collect } from '../contract/case.contract.ts';
import { makeTap } from './tap.ts';

const megabytes = 4;
const muchSaid = () => {
  let closed = false;
  async function* output() {
    for (let i = 0; i < megabytes && !closed; i++) yield { stream: 'stdout', bytes: Buffer.alloc(1024 * 1024, i) } as const;
  }
  return {
    output: output(),
    close: () => {
      closed = true;
    },
  };
};

test('what nobody reads is cut after a while where the engine has it too', async () => {
  const clock = virtualClock();
  const tap = makeTap(muchSaid(), { clock, mayCut: true });
  await clock.advance(0);
  await clock.advance(6000);
  assert.ok(tap.closed());
  assert.equal(tap.read(), undefined);
});

test('what only this process has waits for its reader, and is there from the first byte on', async () => {
  const clock = virtualClock();
  const tap = makeTap(muchSaid(), { clock, mayCut: false });
  await clock.advance(0);
  await clock.advance(3_600_000);
  assert.equal(tap.closed(), false);
  const output = tap.read();
  assert.ok(output);
  const { stdout } = await collect(output);
  assert.deepEqual(stdout, Buffer.concat(Array.from({ length: megabytes }, (_, i) => Buffer.alloc(1024 * 1024, i))));
});
