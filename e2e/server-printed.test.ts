import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { cion } from './cli.ts';
import { printingImages } from './printing-images.ts';
import { reachable } from './reachable.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/** Lets containers wait at its address until it is opened. */
const barrier = async (t: Pick<TestContext, 'after'>) => {
  const waiting: ServerResponse[] = [];
  const came = Promise.withResolvers<void>();
  let isOpen = false;
  const server = createServer((_request, response) => {
    if (isOpen) response.end();
    else waiting.push(response);
    came.resolve();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: await reachable(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    came: came.promise,
    open: () => {
      isOpen = true;
      for (const response of waiting) response.end();
    },
  };
};

describe('images that print the pipeline of a server', { timeout: 240_000 }, () => {
  const { printing, remove } = printingImages(`e2e-server-printed-${process.pid}`);
  let server: ServerProcess;
  before(async () => {
    server = await startServer({ args: ['--slots', '0'] });
  });
  after(async () => {
    await server.close();
    remove();
  });
  const said = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await cion([...args, '--server', server.url], { cwd: server.cwd, env: { CION_TOKEN: server.token } });
    assert.equal(code, 0, err);
    return out;
  };

  it('are run by workers; killed with -9, server and worker go on, and the plan is the one of a laptop (R-DCK-55, R-CIO-04)', async (t) => {
    const { url, came, open } = await barrier(t);
    const low = printing('low', `echo 'low: { img: busybox, run: echo low }'`);
    const high = printing(
      'high',
      `wget -q -O - ${url} >&2 && echo aside >&2 && printf '%s\\n' 'meta: { subgraphs: "${low}" }' 'high: { img: busybox, after: low, run: echo high }'`,
    );
    const project = await server.project('acme/printed', {
      'a.dockercise.yaml': `meta: { subgraphs: "${high}" }\na: { img: busybox, after: high, run: echo a }\n`,
    });
    await project.push('main');
    await server.begun(project.name, 1);
    await server.until(project.name, 1, ({ kind }) => kind === 'stage.queued');
    const of = ['--on', project.name];
    assert.match(await said('why', '1', ...of), /^Images print what it is made of: one has not ended\.\nfetch\.1: .*no worker/);

    let worker = await server.worker();
    await came;
    assert.match(await said('show', '1', ...of), /fetch\.1 +.*running.* e2e-server-printed-\d+\/high:1/);
    await server.kill();
    await worker.kill();
    await server.start();
    worker = await worker.again();
    open();

    const { outcome, digest } = await server.ended(project.name, 1);
    assert.equal(outcome, 'passed');
    const laptop = await cion(['plan', '--json'], { cwd: project.work });
    assert.equal(laptop.code, 0, laptop.err);
    assert.equal(digest, (JSON.parse(laptop.out) as { readonly digest: string }).digest);

    const events = await server.client.events(project.name, 1);
    const started = events.flatMap((event) => (event.kind === 'stage.started' ? [`${event.stage}/${event.attempt}`] : []));
    assert.deepEqual(started, ['fetch.1/1', 'fetch.2/1', 'low/1', 'high/1', 'a/1']);
    assert.deepEqual(
      events.flatMap(({ kind }) => (['fetch.started', 'run.printing', 'run.planned', 'run.finished'].includes(kind) ? [kind] : [])),
      ['fetch.started', 'run.printing', 'run.printing', 'run.planned', 'run.finished'],
    );
    assert.equal(await server.text(project.name, 1, 'fetch.2'), 'low: { img: busybox, run: echo low }\n');
    assert.match(await said('logs', '1', 'fetch.1', ...of), /^meta: \{ subgraphs: /);
    assert.match(await said('logs', '1', 'fetch', ...of), /printed \d+ bytes of the configuration, as fetch\.1\n(.*\n)*.*as fetch\.2\n/);
    const shown = await said('show', '1', ...of);
    for (const stage of ['fetch.1', 'fetch.2', 'low', 'high', 'a']) assert.match(shown, new RegExp(`${stage} +.*passed`));
    await worker.stop();
    const labels = ['--filter', `label=cion.namespace=${worker.namespace}`, '--filter', 'label=cion.run'];
    assert.equal(execFileSync('docker', ['ps', '--all', '--quiet', ...labels], { encoding: 'utf8' }), '');
  });

  it('end the run with what they said, when they print nothing that could be used', async () => {
    const broken = printing('broken', `echo 'there is no disk' >&2; exit 3`);
    const circle = printing('circle', `echo 'meta: { subgraphs: "e2e-server-printed-${process.pid}/circle:1" }'`);
    const worker = await server.worker();
    const project = await server.project('acme/broken', { 'a.dockercise.yaml': `meta: { subgraphs: "${broken}" }\n` });
    await project.push('main');
    await server.begun(project.name, 1);
    assert.equal((await server.ended(project.name, 1)).outcome, 'failed');
    const problemsOf = async (number: number) =>
      (await server.client.events(project.name, number)).flatMap((event) =>
        event.kind === 'fetch.failed' ? event.problems.map(({ code, message }) => `${code} ${message}`) : [],
      );
    assert.match((await problemsOf(1)).join(), /^SUBGRAPH_FAILED .* ended with exit code 3: there is no disk\.$/);
    project.commit({ 'a.dockercise.yaml': `meta: { subgraphs: "${circle}" }\n` });
    await project.push('main');
    await server.begun(project.name, 2);
    assert.equal((await server.ended(project.name, 2)).outcome, 'failed');
    assert.match((await problemsOf(2)).join(), /^SUBGRAPH_CYCLE .*circle:1 → .*circle:1\.$/);
    await worker.stop();
  });
});
