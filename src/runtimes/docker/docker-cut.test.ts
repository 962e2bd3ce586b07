import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newRunId } from '../../lib/ids.ts';
import { type ContractSubject, follow, newCase, script, tarOf, throwsCode } from '../contract/case.contract.ts';
import { findEndpoint } from './engine/endpoint.ts';
import { dockerSubject } from './testing/contract-subject.ts';
import { cuttingProxy } from './testing/cutting-proxy.ts';

let proxy: Awaited<ReturnType<typeof cuttingProxy>>;
let subject: ContractSubject;

before(async () => {
  proxy = await cuttingProxy(findEndpoint(process.env));
  subject = await dockerSubject(findEndpoint(proxy.env), process.env);
});
after(async () => {
  await subject.close();
  await proxy.close();
});

for (const how of ['reset', 'end'] as const) {
  test(`a live log whose connection is cut (${how}) is a gap, and the command can be stopped`, async (t) => {
    const { item, prepare, start, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
    const talking = item({ ...script('echo first; sleep 600'), log: 'live' });
    await prepare(talking);
    const execution = await start(talking);
    const reading = follow(execution, signal);
    await reading.until('first\n');
    proxy.cut(how);
    await throwsCode(reading.ended, 'LOG_GAP', /the connection to the engine broke while it ran/);
    await execution.stop(0);
    assert.deepEqual(await execution.exit, { code: 137, oom: false });
    await runtime.sweep({ kind: 'run', run }, signal);
  });

  test(`a kept log whose connection is cut (${how}) shortly before the end is whole nevertheless`, async (t) => {
    const { item, prepare, start, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
    const mounts = [{ kind: 'volume', volume: 'go', path: '/go', access: 'read-only' }] as const;
    const talking = item({ ...script('echo first; until [ -e /go/go ]; do sleep 0.02; done; echo last; exit 3'), mounts });
    await prepare(talking);
    const execution = await start(talking);
    const reading = follow(execution, signal);
    await reading.until('first\n');
    const asked = how === 'end' ? proxy.asked('logs') : undefined;
    proxy.cut(how);
    await asked;
    await runtime.write({ run, volume: 'go' }, tarOf({ name: 'go', content: '' }), signal);
    assert.equal((await reading.ended).text, 'first\nlast\n');
    assert.deepEqual(await execution.exit, { code: 3, oom: false });
    await runtime.sweep({ kind: 'run', run }, signal);
  });
}

/** As Debian's docker.io 20.10 says it of a container whose control group has just been removed. */
const justEnding =
  'runc did not terminate successfully: exit status 1: unable to get all container pids: readdirent: no such file or directory';

for (const call of ['top', 'pause'] as const) {
  test(`an attempt whose container refuses its ${call} because it is just ending is looked at once more`, async (t) => {
    const { item, prepare, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
    const held = item(script('echo out'));
    await prepare(held);
    proxy.refuse(call, 2, justEnding);
    assert.deepEqual(await subject.another().attach(held, signal), { kind: 'unstarted' });
    await runtime.sweep({ kind: 'run', run }, signal);
  });

  test(`a container that goes on refusing its ${call} is an error with the engine's words`, async (t) => {
    const { item, prepare, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
    const held = item(script('echo out'));
    await prepare(held);
    proxy.refuse(call, Number.POSITIVE_INFINITY, 'no freezer here');
    await throwsCode(subject.another().attach(held, signal), 'ENGINE_REFUSED', /no freezer here/);
    proxy.refuse(call, 0, '');
    await runtime.sweep({ kind: 'run', run }, signal);
  });
}

test('a network in reserve that cannot be started is no failure of the run that would have taken it', async (t) => {
  const { item, drive, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
  proxy.refuse('start', 1, 'no more processes');
  const made = runtime.ready(signal);
  const [readied, driven] = await Promise.allSettled([made, drive(item(script('echo out')))]);
  assert.equal(readied.status, 'rejected');
  assert.ok(driven.status === 'fulfilled', String(driven.status === 'rejected' && driven.reason));
  assert.equal(driven.value.text, 'out\n');
  await runtime.sweep({ kind: 'run', run }, signal);
});
