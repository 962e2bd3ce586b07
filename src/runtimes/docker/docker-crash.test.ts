import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { newRunId } from '../../lib/ids.ts';
import { type ContractSubject, collect, newCase, script, tarOf, throwsCode } from '../contract/case.contract.ts';
import type { Step } from '../../plan/plan.ts';
import type { Item } from '../runtime.ts';
import { findEndpoint } from './engine/endpoint.ts';
import { makeNames } from './names.ts';
import { dockerSubject } from './testing/contract-subject.ts';

const fromTheBeginning = { stdout: 0, stderr: 0 } as const;
let subject: ContractSubject & { readonly namespace: string };

before(async () => {
  subject = await dockerSubject(findEndpoint(process.env), process.env);
});
after(() => subject.close());

/** Runs the item in another process, and kills that with -9 as soon as it has said so much. */
const killedAfter = async (until: 'prepare' | 'start', item: Item, bytes: number): Promise<void> => {
  const victim = spawn(process.execPath, [join(import.meta.dirname, 'testing/victim.ts'), subject.namespace, until, JSON.stringify(item)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(victim, 'exit');
  let said = 0;
  for await (const chunk of victim.stdout) {
    said += chunk.length;
    if (said >= bytes) victim.kill('SIGKILL');
  }
  assert.deepEqual(await ended, [null, 'SIGKILL']);
};

for (const log of [{}, { log: 'live' }] as const) {
  const name = `killed between prepare and start leaves an attempt that never began, and another runs it once; ${log.log ?? 'kept'} log`;
  test(`a process ${name}`, async (t) => {
    const { item, prepare, start, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
    const mounts = [{ kind: 'volume', volume: 'count', path: '/count', access: 'read-write' }] as const;
    const once = item({ ...script('echo run >> /count/runs; cat /count/runs'), ...log, mounts });
    await killedAfter('prepare', once, 1);
    assert.deepEqual(await runtime.attach(once, signal), { kind: 'unstarted' });
    await prepare(once);
    const execution = await start(once);
    assert.equal((await collect(execution.logs(fromTheBeginning, signal))).text, 'run\n');
    assert.equal((await execution.exit).code, 0);
    await runtime.sweep({ kind: 'run', run }, signal);
    assert.deepEqual(await subject.left(run), []);
  });
}

test('a held container that was left frozen by who died before it was removed is taken away by the next', async (t) => {
  const { item, prepare, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
  const held = item(script('echo run'));
  await prepare(held);
  execFileSync('docker', ['pause', makeNames(subject.namespace).container(held)]);
  assert.deepEqual(await subject.another().attach(held, signal), { kind: 'unstarted' });
  await runtime.sweep({ kind: 'run', run }, signal);
});

test('a process killed in the midst of a live output leaves a command whose log is a gap; another can stop it', async (t) => {
  const { item, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
  const talking = item({ ...script('seq 1 20000; sleep 600'), log: 'live' });
  await killedAfter('start', talking, 20_000);
  const attached = await runtime.attach(talking, signal);
  assert.ok(attached.kind === 'live');
  await throwsCode(collect(attached.execution.logs({ stdout: 20_000, stderr: 0 }, signal)), 'LOG_GAP', /cion died while it ran/);
  await attached.execution.stop(0);
  assert.deepEqual(await attached.execution.exit, { code: 137, oom: false });
  await runtime.sweep({ kind: 'run', run }, signal);
  assert.deepEqual(await subject.left(run), []);
});

test('a process killed in the midst of the output leaves a command that goes on; another gets all of it and the exit', async (t) => {
  const { item, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
  const talking = item({
    ...script(
      'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); [ $i = 9000 ] && until [ -e /go/go ]; do sleep 0.02; done; done; exit 5',
    ),
    mounts: [{ kind: 'volume', volume: 'go', path: '/go', access: 'read-only' }],
  });
  await killedAfter('start', talking, 20_000);
  const attached = await runtime.attach(talking, signal);
  assert.ok(attached.kind === 'live');
  const collecting = collect(attached.execution.logs({ stdout: 20_000, stderr: 0 }, signal));
  await runtime.write({ run, volume: 'go' }, tarOf({ name: 'go', content: '' }), signal);
  const whole = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join('');
  assert.equal((await collecting).text, whole.slice(20_000));
  assert.deepEqual(await attached.execution.exit, { code: 5, oom: false });
  await runtime.sweep({ kind: 'run', run }, signal);
  assert.deepEqual(await subject.left(run), []);
});

test('a process killed between steps leaves steps that go on; another is told the rest, every byte once', async (t) => {
  const { item, run, runtime, signal } = newCase(subject, newRunId(Date.now()), t.signal);
  const step = (id: string, text: string) =>
    ({ id, name: id, variables: [], timeouts: {}, action: { kind: 'script', script: text } }) as const satisfies Step;
  const steps = item({
    command: {
      kind: 'steps',
      variables: [],
      steps: [step('a', 'echo from a'), step('b', 'until [ -e /go/go ]; do sleep 0.02; done; echo from b; exit 5')],
      after: [step('c', 'echo "from c, $CION_FAILED_STEP"')],
    },
    mounts: [{ kind: 'volume', volume: 'go', path: '/go', access: 'read-only' }],
  });
  await killedAfter('start', steps, 7);
  const attached = await runtime.attach(steps, signal);
  assert.ok(attached.kind === 'live');
  const marks: string[] = [];
  const collecting = collect(
    attached.execution.logs({ stdout: 7, stderr: 0 }, signal, async (mark) => {
      marks.push(`${mark.mark} ${mark.step}`);
      if (mark.mark === 'begin' && mark.step === 'b')
        await runtime.write({ run, volume: 'go' }, tarOf({ name: 'go', content: '' }), signal);
    }),
  );
  assert.equal((await collecting).text, 'from b\nfrom c, b\n');
  assert.deepEqual(marks, ['end a', 'begin b', 'end b', 'begin c', 'end c']);
  assert.deepEqual(await attached.execution.exit, { code: 5, oom: false });
  await runtime.sweep({ kind: 'run', run }, signal);
  assert.deepEqual(await subject.left(run), []);
});
