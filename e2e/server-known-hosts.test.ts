import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { paths } from '../src/api/paths.ts';
import { cion } from './cli.ts';
import { directory, repository } from './repository.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { type SshServer, sshServer, whyNoSsh } from './ssh-server.ts';

/** Without a worker: what is asked here runs nothing. */
describe('a server whose operator knows the ssh hosts that it fetches from', { timeout: 180_000, skip: whyNoSsh() }, () => {
  const project = 'acme/app';
  const undo: (() => unknown)[] = [];
  const scope = { after: (one: unknown) => void undo.push(one as () => unknown) };
  let ssh: SshServer;
  let server: ServerProcess;
  before(async () => {
    ssh = await sshServer(scope, '127.0.0.1');
    const folder = directory(scope, {
      'known hosts': execFileSync('ssh-keyscan', ['-p', String(ssh.port), '127.0.0.1'], { stdio: ['ignore', 'pipe', 'ignore'] }),
    });
    server = await startServer({ args: ['--slots', '0', '--known-hosts', `${folder}/known hosts`] });
    const work = repository(scope, { '.cion.yml': 'build: { image: busybox, cmd: echo built }\n' });
    await server.asked('POST', '/api/projects', {
      forge: 'git',
      name: project,
      cloneUrl: `ssh://${ssh.user}@127.0.0.1:${ssh.port}${encodeURI(work)}`,
    });
    ssh.allow((await server.client.settings(project)).deployKey ?? '');
  });
  after(async () => {
    await server.close();
    for (const one of undo.reverse()) await one();
  });

  it('fetches from a host that is in the file', async () => {
    const { number } = await server.client.begin(project);
    await server.until(project, number, ({ kind }) => kind === 'fetch.finished' || kind === 'run.finished');
    const { fetch } = await server.client.run(project, number);
    assert.equal(fetch.outcome, 'passed', JSON.stringify(fetch));
  });

  it('refuses a schedule of a branch that is not there, and takes one of a branch that is', async () => {
    const add = (branch: string) =>
      server.ask('POST', paths.schedules(project), { cron: '@daily', wants: { ref: `refs/heads/${branch}` } });
    const refused = await add('gone');
    assert.deepEqual(
      [refused.status, ((await refused.json()) as { code: string; message: string }).message],
      [409, 'The repository of acme/app has no branch gone.'],
    );
    assert.equal((await add('main')).status, 201);
  });

  it('says before it begins that the file cannot be read', async (t) => {
    const cwd = directory(t);
    const told = await cion(['serve', '--data', 'data', '--listen', '127.0.0.1:0', '--slots', '0', '--known-hosts', 'nowhere'], { cwd });
    assert.equal(told.code, 2, told.err);
    assert.match(told.err, /The file of --known-hosts cannot be read: ENOENT.* \[USAGE\]/);
  });
});
