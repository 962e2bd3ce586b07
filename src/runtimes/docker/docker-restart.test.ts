import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { newRunId } from '../../lib/ids.ts';
import { reference } from '../../plan/stage.ts';
import { type ContractSubject, collect, follow, newCase, script, tarOf, throwsCode } from '../contract/case.contract.ts';
import type { Execution, LogChunk } from '../runtime.ts';
import { connect } from './engine/connect.ts';
import { findEndpoint } from './engine/endpoint.ts';
import { dockerSubject } from './testing/contract-subject.ts';
import { type RestartableEngine, restartableEngine } from './testing/restartable-engine.ts';
import { whyNoSecondEngine } from './testing/second-engine.ts';

const fromTheBeginning = { stdout: 0, stderr: 0 } as const;
const go = [{ kind: 'volume', volume: 'go', path: '/go', access: 'read-only' }] as const;
const untilGo = 'until [ -e /go/go ]; do usleep 20000; done';

describe('an engine that is killed and started again, with live-restore (atk-71)', { skip: whyNoSecondEngine() }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'cion-restart-'));
  let engine: RestartableEngine;
  let subject: ContractSubject;
  before(async () => {
    engine = await restartableEngine(directory);
    await engine.start();
    const image = execFileSync('docker', ['save', 'busybox:latest'], { maxBuffer: 2 ** 28 });
    execFileSync('docker', ['-H', engine.host, 'load'], { input: image, stdio: ['pipe', 'ignore', 'inherit'] });
    const env = { ...process.env, DOCKER_HOST: engine.host };
    subject = await dockerSubject(findEndpoint(env), env);
  });
  after(async () => {
    await subject.close();
    await engine.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** As an engine's is that has done many things since. */
  const fillMemory = async (signal: AbortSignal): Promise<void> => {
    const connection = await connect(findEndpoint({ DOCKER_HOST: engine.host }), signal);
    for (let count = 0; count < 150; count++) {
      await connection.json('POST', '/volumes/create', { body: { Name: 'filler' } });
      await connection.json('DELETE', '/volumes/filler');
    }
    await connection.close();
  };

  test('leaves a gap in the log of a command that ended meanwhile, and nobody is given that log as whole', async (t) => {
    const { item, prepare, start, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
    const mounts = [{ ...go[0], access: 'read-write' }] as const;
    const talking = item({ ...script(`echo first; ${untilGo}; echo last; touch /go/done; exit 3`), mounts });
    await runtime.write({ run, volume: 'go' }, tarOf({ name: 'begun', content: '' }), signal);
    const volume = readdirSync(join(directory, 'data/volumes'), { recursive: true, encoding: 'utf8' }).find((path) =>
      path.endsWith('/begun'),
    );
    const inVolume = (name: string): string => join(directory, 'data/volumes', dirname(volume ?? ''), name);
    await prepare(talking);
    const execution = await start(talking);
    const reading = follow(execution, signal);
    await reading.until('first\n');
    await engine.kill();
    await throwsCode(reading.ended, 'ENGINE_UNREACHABLE');
    writeFileSync(inVolume('go'), '');
    while (!existsSync(inVolume('done'))) await pause(20);
    await engine.start();
    for (const isMuchLater of [false, true]) {
      if (isMuchLater) await fillMemory(signal);
      const attached = await subject.another().attach(talking, signal);
      assert.ok(attached.kind === 'live');
      await throwsCode(collect(attached.execution.logs(fromTheBeginning, signal)), 'LOG_GAP', /the engine was restarted while it ran/);
      assert.deepEqual(await attached.execution.exit, { code: 3, oom: false });
    }
    await runtime.sweep({ kind: 'run', run }, signal);
  });

  test('may have let a command go and not know it: nobody lets that go again', async (t) => {
    const { item, prepare, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
    const held = item({ ...script('echo once') });
    const direct = item({ image: reference(subject.imageWithoutShell ?? ''), command: { kind: 'image' } });
    for (const each of [held, direct]) await prepare(each);
    assert.deepEqual(await subject.another().attach(direct, signal), { kind: 'unstarted' });
    await engine.kill();
    await engine.start();
    assert.deepEqual(await subject.another().attach(direct, signal), { kind: 'gone' });
    assert.deepEqual(await subject.another().attach(held, signal), { kind: 'unstarted' });
    await runtime.sweep({ kind: 'run', run }, signal);
  });

  test('tells all that it kept of a command that runs on, and then that there may be more', async (t) => {
    const { item, prepare, start, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
    const talking = item({ ...script(`echo first; ${untilGo}; echo last; exit 3`), mounts: go });
    await prepare(talking);
    const execution = await start(talking);
    await engine.kill();
    await engine.start();
    const reading = told(execution, signal);
    const attached = await subject.another().attach(talking, signal);
    assert.ok(attached.kind === 'live');
    const another = told(attached.execution, signal);
    await runtime.write({ run, volume: 'go' }, tarOf({ name: 'go', content: '' }), signal);
    for (const each of [reading, another]) {
      await throwsCode(each.ended, 'LOG_GAP', /the engine was restarted while it ran/);
      assert.equal(each.text(), 'first\nlast\n');
    }
    assert.deepEqual(await attached.execution.exit, { code: 3, oom: false });

    const later = item({ ...script('echo later') });
    await prepare(later);
    assert.equal((await collect((await start(later)).logs(fromTheBeginning, signal))).text, 'later\n');
    await runtime.sweep({ kind: 'run', run }, signal);
  });
});

/** What an execution writes, also when that ends with an error. */
const told = (execution: Execution, signal: AbortSignal) => {
  const chunks: LogChunk[] = [];
  const pump = async (): Promise<void> => {
    for await (const chunk of execution.logs(fromTheBeginning, signal)) chunks.push(chunk);
  };
  const ended = pump();
  ended.catch(() => {});
  return { ended, text: (): string => Buffer.concat(chunks.map(({ bytes }) => bytes)).toString() };
};
