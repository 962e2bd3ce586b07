import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { workerPaths } from '../src/api/worker-wire.ts';
import { httpServer } from './http-server.ts';
import { alteringProxy, replacing } from '../src/worker/testing/altering-proxy.ts';
import { type ServerProcess, startServer } from './server-process.ts';

let server: ServerProcess;
let between: Awaited<ReturnType<typeof alteringProxy>>;
before(async () => {
  server = await startServer({ args: ['--slots', '0'] });
  between = await alteringProxy(server.url);
});
after(async () => {
  await between.close();
  await server.close();
});

test('a proxy that alters what a worker shall run, or what it tells of it, gets no container to run it and no run to pass; the audit has it (atk-18)', async () => {
  const project = await server.project('acme/shop', {
    '.cion.yml': 'stages:\n  deploy: { image: busybox, run: "echo deploy shop; exit 7" }\n',
  });
  between.alter({ answer: replacing(workerPaths.claim, 'deploy shop', 'deploy evil') });
  await server.worker(['--server', between.url]);
  await project.push('main');
  await server.begun('acme/shop', 1);
  const audit = async (what: string) =>
    (
      await server.asked<{ readonly action: string; readonly outcome: string; readonly detail: { readonly what?: string } }[]>(
        'GET',
        '/api/audit?action=worker.altered&limit=50',
      )
    ).filter(({ outcome, detail }) => outcome === 'refused' && detail.what === what);
  while ((await audit('answer')).length === 0) await sleep(100);
  assert.equal((await server.client.run('acme/shop', 1)).nodes[0]?.phase === 'running', false);

  between.alter({ request: replacing(workerPaths.report, '"outcome":"failed"', '"outcome":"passed"') });
  while ((await audit('request')).length === 0) await sleep(100);
  between.alter({});
  const run = await server.ended('acme/shop', 1);
  assert.equal(run.outcome, 'failed');
  assert.equal(await server.text('acme/shop', 1, 'deploy'), 'deploy shop\n');
});

test('code of steps is not fetched from inside the operator’s network, nor read from the server’s own directory, whatever a project names (atk-60)', async (t) => {
  const inside = await httpServer(t);
  const named = { own: `own "${inside.url}/step.tgz"`, file: 'own "file://outputs"', all: 'own "file://."' };
  for (const [name, step] of Object.entries(named)) {
    const project = await server.project(`acme/${name}`, { 'wercker.yml': `box: busybox\nbuild:\n  steps:\n    - ${step}\n` });
    await project.push('main');
    await server.begun(project.name, 1);
    const run = await server.ended(project.name, 1);
    assert.notEqual(run.outcome, 'passed');
    const events = JSON.stringify(await server.client.events(project.name, 1));
    assert.match(events, name === 'own' ? /STEP_UNREACHABLE.*not on the public internet/ : /STEP_NOT_ALLOWED/);
  }
  assert.deepEqual(inside.asked, []);
});
