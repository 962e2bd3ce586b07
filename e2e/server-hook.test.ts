import { after, before, describe, it } from 'node:test';
import { type ServerProcess, startServer } from './server-process.ts';
import { git } from './repository.ts';

describe('a server, as users have it', { timeout: 60_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startServer();
  });
  after(() => server.close());

  it('smoke', async () => {
    const app = await server.project('acme/app', {
      '.cion.yml': 'build:\n  image: busybox\n  cmd: echo hi\nrelease:\n  image: busybox\n  cmd: echo out\n',
    });
    await app.push('main');
    console.log(git(app.work, 'rev-parse', 'HEAD'));
    const begun = await server.client.begin('acme/app', {});
    console.log(begun);
    await new Promise((r) => setTimeout(r, 15000));
    const state = await server.client.run('acme/app', 2);
    console.log(JSON.stringify(state, undefined, 1).slice(0, 3000));
    console.log(await server.client.runs('acme/app'));
    console.log(server.said());
  });
});
