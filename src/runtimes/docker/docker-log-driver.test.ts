import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRunId } from '../../lib/ids.ts';
import { collect, newCase, script } from '../contract/case.contract.ts';
import { findEndpoint } from './engine/endpoint.ts';
import { dockerSubject } from './testing/contract-subject.ts';
import { withoutLocalDriver } from './testing/without-local.ts';

const fromTheBeginning = { stdout: 0, stderr: 0 } as const;

test('an engine without the log driver local keeps logs with json-file, also for another process', async (t) => {
  const proxy = await withoutLocalDriver(findEndpoint(process.env));
  const subject = await dockerSubject(findEndpoint(proxy.env), process.env);
  const { item, prepare, start, drive, signal } = newCase(subject, newRunId(Date.now()), t.signal);
  try {
    const text = `${'x'.repeat(40_000)}\n\nlast`;
    const talking = item(script(`printf '%s\\n\\nlast' $(head -c 40000 /dev/zero | tr '\\0' x); echo error >&2; exit 3`));
    const began = performance.now();
    const { container } = await prepare(talking);
    assert.ok(performance.now() - began < 10_000, 'the engine was not asked for a driver that it lacks');
    const { HostConfig } = JSON.parse((await subject.records?.(container)) ?? '{}');
    assert.equal(HostConfig.LogConfig.Type, 'json-file');
    const execution = await start(talking);
    const first = await collect(execution.logs(fromTheBeginning, signal));
    assert.deepEqual([first.text, first.stderr.toString()], [text, 'error\n']);
    const attached = await subject.another().attach(talking, signal);
    assert.ok(attached.kind === 'live');
    const later = await collect(attached.execution.logs({ stdout: 10, stderr: 0 }, signal));
    assert.deepEqual([later.text, later.stderr.toString()], [text.slice(10), 'error\n']);
    assert.deepEqual(await attached.execution.exit, { code: 3, oom: false });
    assert.equal((await drive(item({ ...script('echo live'), log: 'live' }))).text, 'live\n');
  } finally {
    await subject.close();
    await proxy.close();
  }
});
