import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newRunId } from '../../lib/ids.ts';
import type { Service } from '../../plan/plan.ts';
import { reference } from '../../plan/stage.ts';
import { type ContractSubject, newCase, notesInto, script, throwsCode, valuesOf, collect } from '../contract/case.contract.ts';
import type { PrepareNote } from '../runtime.ts';
import type { Created } from './api.ts';
import { connect } from './engine/connect.ts';
import type { Engine } from './engine/engine.ts';
import { findEndpoint } from './engine/endpoint.ts';
import { dockerSubject } from './testing/contract-subject.ts';

let engine: Engine;
let subject: ContractSubject & { readonly namespace: string };
let image: string;

/** busybox that is healthy when there is a file. */
before(async () => {
  engine = await connect(findEndpoint(process.env), AbortSignal.timeout(60_000));
  subject = await dockerSubject(findEndpoint(process.env), process.env);
  image = `${subject.namespace}/checked:latest`;
  const { Id } = await engine.json<Created>('POST', '/containers/create', { body: { Image: 'busybox:latest' } });
  const changes = ['HEALTHCHECK --interval=100ms --retries=2 CMD test -e /tmp/healthy'];
  await engine.json('POST', '/commit', {
    query: { container: Id, repo: `${subject.namespace}/checked`, tag: 'latest', changes },
    body: {},
  });
  await engine.json('DELETE', `/containers/${Id}`);
});
after(async () => {
  await subject.close();
  await engine.json('DELETE', `/images/${image}`);
  await engine.close();
});

const service = (command: string, timeoutMs: number): Service => ({
  name: 'web',
  image: reference(image),
  command: { kind: 'shell', script: command },
  env: {},
  ports: ['8080'],
  privileged: false,
  ready: { kind: 'running', timeoutMs },
});

test('a service whose image has a HEALTHCHECK is ready when it is healthy, though it was not at first', async (t) => {
  const { item, runtime, run, signal } = newCase(subject, newRunId(Date.now()), t.signal);
  const slow = '(while :; do nc -l -p 8080 -e cat /tmp/healthy; done) & sleep 1; echo well > /tmp/healthy; wait';
  const asking = item({ ...script('until nc -w 5 web 8080; do :; done'), services: [service(slow, 30_000)] });
  const notes: PrepareNote[] = [];
  await runtime.prepare(asking, notesInto(notes), signal);
  assert.ok(notes.some((note) => note.kind === 'service-ready' && note.service === 'web'));
  const execution = await runtime.start(asking, valuesOf(asking), signal);
  assert.equal((await collect(execution.logs({ stdout: 0, stderr: 0 }, signal))).text, 'well\n');
  await runtime.sweep({ kind: 'run', run }, signal);
});

test('a service that is not healthy in its time is told by name, with what it said', async (t) => {
  const { item, prepare, runtime, run, signal } = newCase(subject, newRunId(Date.now()), t.signal);
  const ill = item({ ...script('true'), services: [service('echo no licence; sleep 600', 1000)] });
  await throwsCode(prepare(ill), 'SERVICE_NOT_READY', /the service "web" is not healthy after 1 s; it said: no licence/);
  await runtime.sweep({ kind: 'run', run }, signal);
});

test('the HEALTHCHECK of the image of a stage itself does not run', async (t) => {
  const { item, prepare, start, runtime, run, signal } = newCase(subject, newRunId(Date.now()), t.signal);
  const plain = item({ ...script('exit 4'), image: reference(image) });
  const { container } = await prepare(plain);
  const { Config } = JSON.parse((await subject.records?.(container)) ?? '{}');
  assert.deepEqual(Config.Healthcheck.Test, ['NONE']);
  assert.equal((await (await start(plain)).exit).code, 4);
  await runtime.sweep({ kind: 'run', run }, signal);
});
