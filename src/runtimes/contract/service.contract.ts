import assert from 'node:assert/strict';
import type { Service } from '../../plan/plan.ts';
import { reference } from '../../plan/stage.ts';
import type { PrepareNote } from '../runtime.ts';
import { type ContractTest, follow, literals, notesInto, script, throwsCode, valuesOf } from './case.contract.ts';

export const serviceContract = (test: ContractTest): void => {
  const service = (image: string, given: Partial<Service> & { readonly name: string }): Service => ({
    image: reference(image),
    command: { kind: 'shell', script: 'while :; do nc -l -p 8080 -e echo "$GREETING"; done' },
    env: literals({ GREETING: 'hello' }),
    ports: ['8080'],
    privileged: false,
    ready: { kind: 'tcp', port: 8080, timeoutMs: 20_000 },
    ...given,
  });

  test('services are reached by their names, with their variables, once they listen (R-CIO-53)', ['services'], async (given) => {
    const { runtime, item, start, signal, subject } = given;
    const slow = service(subject.image, {
      name: 'slow-db',
      command: { kind: 'shell', script: 'sleep 0.5; while :; do nc -l -p 8080 -e echo "$GREETING $TOKEN"; done' },
      env: { ...literals({ GREETING: 'good day' }), TOKEN: { kind: 'secret', name: 'TOKEN' } },
    });
    const calling = item({
      ...script('nc -w 5 cache 8080; nc -w 5 slow-db 8080'),
      services: [service(subject.image, { name: 'cache' }), slow],
    });
    const notes: PrepareNote[] = [];
    await runtime.prepare(calling, notesInto(notes), signal);
    assert.ok(notes.some((note) => note.kind === 'service-ready' && note.service === 'cache'));
    const execution = await start(calling, {
      serviceEnv: {
        cache: valuesOf(calling).serviceEnv['cache'] ?? {},
        'slow-db': { ...valuesOf(calling).serviceEnv['slow-db'], TOKEN: { value: 'sesame', secret: true } },
      },
    });
    const output = follow(execution, signal);
    assert.equal((await output.ended).text, 'hello\ngood day sesame\n');
    assert.equal((await execution.exit).code, 0);
  });

  test('a service that only runs is ready when it runs', ['services'], async ({ drive, item, subject }) => {
    const { text } = await drive(
      item({
        ...script('until nc -w 5 plain 8080; do sleep 0.05; done'),
        services: [service(subject.image, { name: 'plain', ready: { kind: 'running', timeoutMs: 20_000 } })],
      }),
    );
    assert.equal(text, 'hello\n');
  });

  test('a service that ends, or does not listen in time, is told by name', ['services'], async ({ prepare, item, subject }) => {
    const ending = service(subject.image, { name: 'broken', command: { kind: 'shell', script: 'echo no licence >&2; exit 3' } });
    await throwsCode(prepare(item({ ...script('true'), services: [ending] })), 'SERVICE_NOT_READY', /broken.*3/);
    const deaf = service(subject.image, {
      name: 'deaf',
      command: { kind: 'shell', script: 'sleep 600' },
      ready: { kind: 'tcp', port: 8080, timeoutMs: 800 },
    });
    await throwsCode(prepare(item({ ...script('true'), services: [deaf] })), 'SERVICE_NOT_READY', /deaf.*8080/);
  });

  test('a privileged service needs leave', ['services'], async ({ prepare, item, subject }) => {
    const mighty = service(subject.image, { name: 'mighty', privileged: true });
    await throwsCode(prepare(item({ ...script('true'), services: [mighty] })), 'PRIVILEGED_REFUSED', /mighty/);
  });

  test('a host path needs leave', ['images'], async ({ prepare, item }) => {
    const mounts = [{ kind: 'host', hostPath: '/etc', path: '/host', access: 'read-only' }] as const;
    await throwsCode(prepare(item({ ...script('true'), mounts })), 'HOST_PATH_REFUSED', /\/etc/);
  });

  test('items that overlap cannot reach each other', ['networks'], async ({ prepare, start, item, drive, signal, subject }) => {
    const say = 'ip -4 addr show | grep -o "inet [0-9.]*" | grep -v 127.0.0.1 | cut -d" " -f2; echo listening';
    const listening = item(script(`${say}; nc -l -p 9000 -e echo reached`));
    const withServices = item({ ...script(`${say}; nc -l -p 9000 -e echo reached`), services: [service(subject.image, { name: 'db' })] });
    const targets: string[] = [];
    for (const target of [listening, withServices]) {
      await prepare(target);
      const said = await follow(await start(target), signal).until('listening');
      targets.push(...said.trim().split('\n').slice(0, -1));
    }
    assert.ok(targets.length >= 2, `addresses ${targets.join(' ')}`);
    const probe = `for ip in ${targets.join(' ')} 127.0.0.1; do for port in 9000 8080; do timeout 1 nc -w 1 $ip $port </dev/null; done; done; nc -w 1 db 8080; echo tried`;
    const alone = await drive(item(script(probe)));
    assert.equal(alone.text, 'tried\n');
    const withOwn = await drive(
      item({ ...script(probe), services: [service(subject.image, { name: 'other', env: literals({ GREETING: 'own' }) })] }),
    );
    assert.equal(withOwn.text, 'tried\n');
  });

  test('stages after one another find nothing listening of each other', ['networks'], async ({ drive, item, run, runtime, signal }) => {
    const first = item(script('(nc -l -p 9000 -e echo reached &) ; sleep 0.1'));
    assert.equal((await drive(first)).exit.code, 0);
    await runtime.sweep({ kind: 'attempt', run, stage: first.stage.name, attempt: 1 }, signal);
    assert.equal((await drive(item(script('nc -w 1 127.0.0.1 9000 </dev/null; echo tried')))).text, 'tried\n');
  });

  test('20 parallel items run side by side', ['networks'], async ({ drive, item }) => {
    const ended = await Promise.all(Array.from({ length: 20 }, (_, i) => drive(item(script(`echo ${i}; exit ${i}`)))));
    assert.deepEqual(
      ended.map(({ exit, text }) => [exit.code, text]),
      Array.from({ length: 20 }, (_, i) => [i, `${i}\n`]),
    );
  });
};
