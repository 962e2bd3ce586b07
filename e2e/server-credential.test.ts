import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type GitOverHttps, gitOverHttps, whyNoGitBackend } from '../src/source/testing/git-over-https.ts';
import { cion as anyCion } from './cli.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const pipeline = `stages:
  build:
    image: busybox
    run: |
      until [ -e /go ]; do sleep 0.05; done
      env
      cat hello.txt
`;

describe('a private repository behind https and a login', { timeout: 240_000, skip: whyNoGitBackend }, () => {
  const secret = `pat_${randomBytes(16).toString('hex')}`;
  const project = 'acme/tools/private';
  let git: GitOverHttps;
  let server: ServerProcess;
  before(async () => {
    git = await gitOverHttps({ user: 'git', secret });
    server = await startServer({ env: { GIT_SSL_CAINFO: git.ca } });
  });
  after(async () => {
    await server.close();
    await git.close();
  });

  const cion = async (args: readonly string[], input = '') => {
    const env = { CION_SERVER: server.url, CION_TOKEN: server.token };
    const { code, out, err } = await anyCion(args, { cwd: server.cwd, env, input });
    return { code, said: out + err };
  };

  it('is run with a token that was read from stdin, says so when it is wrong, and has it nowhere in plain text (atk-59)', async () => {
    const { url } = git.repository('team/private', { '.cion.yml': pipeline, 'hello.txt': 'hello from a private place\n' });
    const added = await cion(['projects', 'add', project, '--clone-url', url, '--credential'], `${secret}wrong\n`);
    assert.equal(added.code, 0, added.said);

    const { number: refused } = await server.client.begin(project);
    const failed = await server.ended(project, refused);
    assert.equal(failed.outcome, 'failed');
    const [problem] = failed.fetch.problems ?? [];
    assert.deepEqual(
      [problem?.code, /refuses the login/.test(problem?.message ?? '')],
      ['SOURCE_CREDENTIAL', true],
      JSON.stringify(failed.fetch),
    );
    assert.match(problem?.hint ?? '', /cion projects credential/);

    const given = await cion(['projects', 'credential', project], `${secret}\n`);
    assert.equal(given.code, 0, given.said);
    const { number } = await server.client.begin(project);
    await server.until(project, number, (event) => event.kind === 'stage.started');
    const docker = (...args: readonly string[]): string => execFileSync('docker', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
    const { run: id } = await server.client.run(project, number);
    const ours = docker('ps', '--all', '--quiet', '--filter', `label=cion.run=${id}`).trim().split('\n');
    const inspected = docker('inspect', ...ours);
    const [stage = ''] = docker('ps', '--quiet', '--filter', `label=cion.run=${id}`, '--filter', 'label=cion.stage=build')
      .trim()
      .split('\n');
    docker('exec', stage, 'touch', '/go');
    const run = await server.ended(project, number);
    assert.equal(run.outcome, 'passed', JSON.stringify(run));
    const log = await server.text(project, number, 'build');
    assert.match(log, /hello from a private place/);

    assert.equal((await cion(['projects', 'credential', project, '--remove'])).code, 0);
    const { number: without } = await server.client.begin(project, { branch: 'main' });
    const [missing] = (await server.ended(project, without)).fetch.problems ?? [];
    assert.match(missing?.message ?? '', /asks for a login, and there is none/);

    assert.deepEqual(git.exposed, []);
    const said = [
      added.said,
      given.said,
      inspected,
      log,
      server.said(),
      JSON.stringify([run, failed, await server.client.events(project, number), await server.client.events(project, refused)]),
      JSON.stringify(await server.asked('GET', '/api/audit')),
      JSON.stringify(await server.asked('GET', '/api/projects/acme%2Ftools/private/settings')),
    ];
    const files = readdirSync(server.data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.ok(files.length > 20);
    for (const form of [secret, Buffer.from(secret).toString('base64'), Buffer.from(`git:${secret}`).toString('base64')]) {
      assert.deepEqual(
        said.map((text) => text.includes(form)),
        said.map(() => false),
      );
      const found = files.map(({ parentPath, name }) => join(parentPath, name)).filter((path) => readFileSync(path).includes(form));
      assert.deepEqual(found, []);
    }
  });
});
