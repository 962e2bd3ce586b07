import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { RunEvent } from '../src/run/run-event.ts';
import { cion, startCion } from './cli.ts';
import { repository } from './repository.ts';

const namespace = `live-${process.pid}`;
const env = { CION_NAMESPACE: namespace };

const configOf = (port: number, retry: string): string => `stages:
  big:
    image: busybox:latest
    log: live
    ${retry}
    run: |
      host="http://$(ip route | awk '/default/ {print $3}'):${port}"
      n=$(wget -q -O - "$host/begin")
      seq 1 2000
      wget -q -O - "$host/wait/$n"
      echo "try $n"
  use:
    image: busybox:latest
    needs: big
    env: { OUT: { output: big } }
    run: echo "$OUT" | tail -n 1
`;

/** Says to each attempt which one it is, and lets the first never go on. */
const makeServer = async (t: TestContext) => {
  let begun = 0;
  const held: ServerResponse[] = [];
  const waiting = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    if (request.url === '/begin') return void response.end(String(++begun));
    if (request.url !== '/wait/1') return void response.end();
    held.push(response);
    waiting.resolve();
  }).listen(0, '0.0.0.0');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, begun: () => begun, waits: waiting.promise };
};

/** Kills a run while its live stage is in the midst of it; its id. */
const killedRun = async (cwd: string, waits: Promise<void>): Promise<string> => {
  const running = startCion(['run', '--json'], { cwd, env });
  await Promise.race([waits, running.ended.then(({ stdout, stderr }) => assert.fail(`it ended: ${stdout}${stderr}`))]);
  running.process.kill('SIGKILL');
  const { stdout, signal } = await running.ended;
  assert.equal(signal, 'SIGKILL');
  return /"run":"(run_\w+)"/.exec(stdout.toString())?.[1] ?? assert.fail('no run');
};

const endsOf = async (cwd: string, run: string) => {
  const shown = await cion(['show', run, '--json'], { cwd, env });
  const events = shown.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent);
  return events.flatMap((event) =>
    event.kind === 'stage.finished'
      ? [[event.stage, event.attempt, event.outcome, event.cause?.kind === 'error' ? event.cause.code : '']]
      : [],
  );
};

const nothingLeft = async (cwd: string): Promise<void> => {
  const filter = ['--filter', `label=cion.namespace=${namespace}`, '--filter', 'label=cion.run'];
  assert.equal(execFileSync('docker', ['ps', '--all', '--quiet', ...filter], { encoding: 'utf8' }), '');
  await cion(['clean'], { cwd, env });
};

test('after kill -9 a stage with a live log is errored, stopped, and run again only where retry says so', async (t) => {
  const { port, begun, waits } = await makeServer(t);
  const cwd = repository(t, { '.cion.yml': configOf(port, 'retry: { attempts: 2, on: errored }') });
  const run = await killedRun(cwd, waits);
  const resumed = await cion(['resume', run, '--plain'], { cwd, env });
  assert.equal(resumed.code, 0, resumed.out + resumed.err);
  assert.deepEqual(await endsOf(cwd, run), [
    ['big', 1, 'errored', 'LOG_GAP'],
    ['big', 2, 'passed', ''],
    ['use', 1, 'passed', ''],
  ]);
  assert.equal(begun(), 2);
  const lines = Array.from({ length: 2000 }, (_, i) => `${i + 1}\n`).join('');
  assert.equal((await cion(['logs', run, 'big'], { cwd, env })).out, `${lines}try 2\n`);
  assert.equal((await cion(['logs', run, 'use'], { cwd, env })).out, 'try 2\n');
  await nothingLeft(cwd);
});

test('after kill -9 a stage with a live log and no retry ends the run errored, with the reason, and what needs its output is skipped', async (t) => {
  const { port, begun, waits } = await makeServer(t);
  const cwd = repository(t, { '.cion.yml': configOf(port, '') });
  const run = await killedRun(cwd, waits);
  const resumed = await cion(['resume', run, '--plain'], { cwd, env });
  assert.equal(resumed.code, 3, resumed.out + resumed.err);
  assert.match(resumed.out + resumed.err, /log of the stage "big" is live and was not kept: cion died while it ran/);
  assert.deepEqual(await endsOf(cwd, run), [['big', 1, 'errored', 'LOG_GAP']]);
  assert.equal(begun(), 1);
  await nothingLeft(cwd);
});

test('run --log says it for all stages, also against the text', async (t) => {
  const cwd = repository(t, { '.cion.yml': 'build: { image: busybox, log: live }\nrelease: { image: busybox }\n' });
  const logs = async (...args: readonly string[]) => {
    const { out } = await cion(['run', '--runtime', 'fake', '--json', ...args], { cwd });
    const planned = out
      .split('\n')
      .filter((line) => line.includes('"run.planned"'))
      .map((line) => JSON.parse(line) as RunEvent & { kind: 'run.planned' });
    return planned[0]?.plan.nodes.map((node) => (node.kind === 'stage' ? (node.log ?? 'kept') : ''));
  };
  assert.deepEqual(await logs(), ['live', 'kept']);
  assert.deepEqual(await logs('--log', 'live'), ['live', 'live']);
  assert.deepEqual(await logs('--log', 'kept'), ['kept', 'kept']);
  const wrong = await cion(['run', '--log', 'fast'], { cwd });
  assert.deepEqual([wrong.code, /Allowed choices are kept, live/.test(wrong.err)], [2, true]);
});
