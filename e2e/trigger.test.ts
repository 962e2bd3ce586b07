import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, afterEach, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { boundTo, intakeDatabase, type IntakeServer, intakeServer } from '../src/server/intake/testing/intake-server.ts';
import type { TestDatabase } from '../src/store/sql/testing/databases.ts';
import { noTerminal, startTerminal } from '../src/cli/printers/testing/terminal.ts';
import { cion, startCion } from './cli.ts';
import { httpServer } from './http-server.ts';
import { commit, directory, git, repository, writeFiles } from './repository.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** While the server in this process answers its hook. */
const push = (work: string, ...args: readonly string[]) =>
  promisify(execFile)('git', ['push', '--quiet', 'origin', ...args], { cwd: work });
const page = readFileSync(new URL('../docs/webhooks.md', import.meta.url), 'utf8');

describe('cion trigger', () => {
  let made: TestDatabase;
  let server: IntakeServer;
  let secret: string;
  let hook: string;
  before(async () => {
    made = await intakeDatabase();
  });
  after(() => made.close());
  beforeEach(async () => {
    await made.clear();
    server = await intakeServer(made);
    secret = server.secretOf(await server.addProject('ada/app'));
    hook = `${server.url}/hooks/git/ada/app`;
    server.start();
  });
  afterEach(() => server.close());

  /** A bare repository with this hook, and a clone of it with a commit. */
  const served = (t: TestContext, script: string) => {
    const bare = directory(t);
    git(bare, 'init', '--quiet', '--bare', '--initial-branch=main');
    const file = join(bare, 'hooks', 'post-receive');
    writeFileSync(file, `#!/bin/sh\n${script}`);
    chmodSync(file, 0o755);
    const work = repository(t, { 'a.txt': 'one' });
    git(work, 'remote', 'add', 'origin', bare);
    return { bare, work };
  };
  const withCion = () => `export CION_HOOK_SECRET='${secret}' GL_USERNAME=ada\nexec '${process.execPath}' -- '${main}' trigger '${hook}'\n`;

  it('in the hook of a bare repository makes a run of what is pushed: branches, tags, and not what is deleted (R-DCK-86)', async (t) => {
    const { work } = served(t, withCion());
    const first = git(work, 'rev-parse', 'HEAD');
    await push(work, 'main');
    await server.begunCount(1);
    const second = commit(work, { 'b.txt': 'two' });
    git(work, 'tag', '--annotate', '--message', 'a release', 'v1');
    await push(work, 'main', 'main:refs/heads/it$(id)`id`"\'', 'v1', 'HEAD:refs/notes/x');
    await push(work, '--delete', 'v1');
    await server.idle();
    assert.deepEqual(
      server.begun.map(({ commit, trigger }) => [commit, trigger.kind, trigger.by]),
      [
        [first, 'push', 'ada'],
        [second, 'push', 'ada'],
        [second, 'tag', 'ada'],
      ],
    );
    assert.equal((await server.deliveries.list('ada/app', 9)).length, 4);
  });

  it('does not stop a push when the server is not there, and tells who pushes', async (t) => {
    await server.close();
    const { bare, work } = served(t, withCion());
    await push(work, 'main');
    assert.equal(git(bare, 'rev-parse', 'main'), git(work, 'rev-parse', 'main'));
    server = await intakeServer(made);
    const told = await cion(['trigger', hook], {
      cwd: bare,
      env: { CION_HOOK_SECRET: secret },
      input: `${'0'.repeat(40)} ${'a'.repeat(40)} refs/heads/main\n`,
    });
    assert.deepEqual([told.code, told.out], [3, '']);
    assert.match(told.err, /could not be told of refs\/heads\/main: it cannot be reached \(ECONNREFUSED\)\. \[HOOK_UNREACHABLE\]/);
    assert.equal(told.err.includes(secret), false);
  });

  it('keeps what the server could not be told of, in the order of the pushes, for the next push or for --untold', {
    timeout: 120_000,
  }, async (t) => {
    let isAway = true;
    let awayStatus = 503;
    const { url, asked } = await httpServer(t, (response) => {
      response.statusCode = isAway ? awayStatus : 202;
      response.end();
    });
    const [bare, elsewhere] = [directory(t), directory(t)];
    git(bare, 'init', '--quiet', '--bare', '--initial-branch=main');
    const env = { CION_HOOK_SECRET: 'the secret', GL_USERNAME: 'ada' };
    const pushed = (letter: string, ...names: readonly string[]): string =>
      names.map((name) => `${'0'.repeat(40)} ${letter.repeat(40)} refs/heads/${name}\n`).join('');
    const tell = (input: string, ...more: readonly string[]) => cion(['trigger', url, ...more], { cwd: bare, env, input });
    const first = await tell(pushed('a', 'one', 'two'));
    assert.deepEqual([first.code, first.out, asked.length], [3, '', 3]);
    assert.match(first.err, /what was not told is kept in .*cion-untold: the next push tells of it/);
    writeFiles(bare, { 'cion-untold/000-odd.json': '{' });
    isAway = false;
    assert.equal((await tell(pushed('b', 'one'))).out, ['one', 'two', 'one'].map((name) => `cion: told of refs/heads/${name}\n`).join(''));
    isAway = true;
    awayStatus = 401;
    const refused = await tell(pushed('c', 'three'));
    assert.equal(refused.code, 2);
    assert.match(refused.err, /HOOK_REFUSED/);
    const other = await cion(['trigger', `${url}/x`, '--untold'], { cwd: bare, env });
    assert.deepEqual([other.code, other.out], [0, ''], 'another server is told nothing of it');
    isAway = false;
    assert.deepEqual([(await tell('', '--untold')).out, (await tell('', '--untold')).out], ['cion: told of refs/heads/three\n', '']);
    const bodies = asked.map(({ body }) => JSON.parse(body) as { readonly new: string; readonly by: string });
    assert.deepEqual(
      bodies.slice(3, 6).map((each) => [each.new[0], each.by]),
      [
        ['a', 'ada'],
        ['a', 'ada'],
        ['b', 'ada'],
      ],
    );
    const none = await cion(['trigger', url, '--untold'], { cwd: elsewhere, env });
    assert.match(none.err, /There is no repository here\. \[USAGE\]/);
  });

  it('loses nothing when it is ended while it tells, or has no secret to sign with; others who may push may tell of it', async (t) => {
    let isAway = true;
    const waits = Promise.withResolvers<void>();
    const { url, asked } = await httpServer(t, (response) => (isAway ? waits.resolve() : void response.writeHead(202).end()));
    const bare = directory(t);
    git(bare, 'init', '--quiet', '--bare', '--shared=group', '--initial-branch=main');
    const env = { CION_HOOK_SECRET: 'the secret', GL_USERNAME: '', USER: 'ada' };
    const pushed = (letter: string, ...refs: readonly string[]): string =>
      refs.map((ref) => `${'0'.repeat(40)} ${letter.repeat(40)} ${ref}\n`).join('');
    const all = Array.from({ length: 12 }, (_, i) => `refs/heads/b${i}`);
    const ended = startCion(['trigger', url], { cwd: bare, env, input: pushed('a', 'refs/for-review', ...all) });
    await waits.promise;
    ended.process.kill('SIGKILL');
    await ended.ended;
    assert.equal(statSync(join(bare, 'cion-untold')).mode, statSync(bare).mode);
    const unsigned = await cion(['trigger', url], { cwd: bare, input: pushed('b', 'refs/heads/main') });
    assert.equal(unsigned.code, 2);
    assert.match(unsigned.err, /what was not told is kept in .*cion-untold[^]*HOOK_SECRET_MISSING/);
    isAway = false;
    const told = await cion(['trigger', url, '--untold'], { cwd: bare, env });
    assert.deepEqual([told.code, told.out], [0, [...all, 'refs/heads/main'].map((ref) => `cion: told of ${ref}\n`).join('')], told.err);
    assert.deepEqual([JSON.parse(asked[1]?.body ?? '').by, readdirSync(join(bare, 'cion-untold'))], ['ada', []]);
  });

  it('is held up by nothing that the server does not take, and keeps that', async (t) => {
    const { url, asked } = await httpServer(t, (response, count) => void response.writeHead(count === 1 ? 403 : 202).end());
    const cwd = directory(t);
    git(cwd, 'init', '--quiet', '--bare');
    const env = { CION_HOOK_SECRET: 'the secret' };
    const input = ['odd', 'main'].map((name) => `${'0'.repeat(40)} ${'a'.repeat(40)} refs/heads/${name}\n`).join('');
    const told = await cion(['trigger', url], { cwd, env, input });
    assert.deepEqual([told.code, told.out, asked.length], [3, 'cion: told of refs/heads/main\n', 2]);
    assert.match(told.err, /could not be told of refs\/heads\/odd: it answers 403\. \[HOOK_UNREACHABLE\]/);
    assert.equal((await cion(['trigger', url, '--untold'], { cwd, env })).out, 'cion: told of refs/heads/odd\n');
  });

  it('tells also where nothing can be kept, and says that it could not', async (t) => {
    let isAway = false;
    const { url } = await httpServer(t, (response) => void response.writeHead(isAway ? 401 : 202).end());
    const cwd = directory(t);
    git(cwd, 'init', '--quiet', '--bare');
    writeFiles(cwd, { 'cion-untold': 'a file' });
    const given = { cwd, env: { CION_HOOK_SECRET: 'the secret' }, input: `${'0'.repeat(40)} ${'a'.repeat(40)} refs/heads/main\n` };
    assert.equal((await cion(['trigger', url], given)).out, 'cion: told of refs/heads/main\n');
    isAway = true;
    const { code, err } = await cion(['trigger', url], given);
    assert.deepEqual([code, /could not be kept: .*cion-untold[^]*\[HOOK_REFUSED\]/.test(err)], [2, true], err);
  });

  it('waits for nobody to type the lines of a hook', { skip: noTerminal() ?? false }, async (t) => {
    const env = { ...process.env, NODE: process.execPath, MAIN: main, HOOK: hook };
    const terminal = startTerminal('"$NODE" "$MAIN" trigger "$HOOK"', { columns: 100, rows: 20, cwd: directory(t), env });
    t.after(() => terminal.end());
    await terminal.ended;
    assert.match(terminal.screen.history(), /What has a new commit\? \[USAGE\]/);
  });

  it('by hand tells of one commit, signed with a secret from a file', async (t) => {
    const cwd = directory(t, { secret: `${secret}\n` });
    const env = { CION_HOOK_SECRET_FILE: 'secret' };
    const told = await cion(['trigger', hook, '--ref', 'refs/heads/main', '--commit', 'a'.repeat(40), '--by', 'eve'], { cwd, env });
    assert.deepEqual([told.code, told.out, told.err], [0, 'cion: told of refs/heads/main\n', '']);
    await server.begunCount(1);
    assert.deepEqual(server.begun[0]?.trigger, { kind: 'push', ref: 'refs/heads/main', by: 'eve' });
  });

  it('with a wrong secret, or for a project of a forge, makes nothing (atk-01)', async (t) => {
    await server.addProject('of/forge', boundTo('github', '1'));
    const cwd = directory(t);
    for (const [url, given] of [
      [hook, 'a wrong secret'],
      [`${server.url}/hooks/git/of/forge`, secret],
      [`${server.url}/hooks/git/no/where`, secret],
    ] as const) {
      const told = await cion(['trigger', url, '--ref', 'refs/heads/main', '--commit', 'a'.repeat(40)], {
        cwd,
        env: { CION_HOOK_SECRET: given },
      });
      assert.deepEqual([told.code, told.out], [2, '']);
      assert.match(told.err, /refuses it\. \[HOOK_REFUSED\]/);
      assert.equal(told.err.includes(given), false);
    }
    assert.equal(server.notes.length, 3);
    assert.deepEqual(server.begun, []);
  });

  it('sends nothing when it is not told what, or has no secret', async (t) => {
    const { url, asked } = await httpServer(t);
    const cwd = directory(t);
    const env = { CION_HOOK_SECRET: 'the secret' };
    const hash = 'a'.repeat(40);
    const cases: readonly (readonly [args: readonly string[], env: Readonly<Record<string, string>>, input: string, code: string])[] = [
      [[url], {}, '', 'HOOK_SECRET_MISSING'],
      [[url], { CION_HOOK_SECRET_FILE: 'none' }, '', 'HOOK_SECRET_MISSING'],
      [['not-a-url'], env, '', 'USAGE'],
      [[url.replace('//', '//user:password@')], env, '', 'USAGE'],
      [[url, '--ref', 'refs/heads/main'], env, '', 'USAGE'],
      [[url], env, 'what is this\n', 'USAGE'],
      [[url], env, `${hash} ${hash} refs/heads/a b\n`, 'USAGE'],
      [[url, '--ref', 'main', '--commit', hash], env, '', 'USAGE'],
      [[url, '--ref', 'refs/heads/main', '--commit', 'HEAD'], env, '', 'USAGE'],
      [[url, '--ref', 'refs/heads/main', '--commit', hash, '--untold'], env, '', 'USAGE'],
    ];
    for (const [args, given, input, code] of cases) {
      const told = await cion(['trigger', ...args], { cwd, env: given, input });
      assert.equal(told.code, 2, told.err);
      assert.match(told.err, new RegExp(`\\[${code}\\]`));
      assert.doesNotMatch(told.err, /the secret|password@/);
      if (args.length > 1) assert.match(told.err, /--ref|--commit/);
      if (args.length > 1) assert.doesNotMatch(told.err, /stdin/);
    }
    assert.deepEqual(asked, []);
    const nothing = await cion(['trigger', url], { cwd, env, input: '' });
    assert.deepEqual([nothing.code, asked.length], [0, 0]);
  });

  it('is tried again when the server fails, and says nothing of the secret', async (t) => {
    const { url, asked } = await httpServer(t, (response, count) => {
      response.statusCode = count === 1 ? 503 : 202;
      response.end();
    });
    const told = await cion(['trigger', url, '--ref', 'refs/heads/main', '--commit', 'a'.repeat(40)], {
      cwd: directory(t),
      env: { CION_HOOK_SECRET: 'the secret' },
    });
    assert.deepEqual([told.code, asked.length], [0, 2]);
    assert.equal(JSON.stringify(asked).includes('the secret'), false);
  });

  it('is not needed where there is curl: the hook of docs/webhooks.md does the same (R-DCK-86)', async (t) => {
    const [, script = ''] = /```sh\n(#!\/bin\/sh\n[^`]*curl[^`]*)```/.exec(page) ?? [];
    assert.match(script, /curl/);
    const { bare, work } = served(
      t,
      script.replace('https://cion.example/hooks/git/owner/name', hook).replace('/etc/cion/hook-secret', './hook-secret'),
    );
    writeFiles(bare, { 'hook-secret': `${secret}\n` });
    const odd = `refs/heads/it$(id)"'&ref=refs/heads/other`;
    const first = git(work, 'rev-parse', 'HEAD');
    git(work, 'tag', '--annotate', '--message', 'a release', 'v1');
    await push(work, 'main', 'v1');
    const second = commit(work);
    await push(work, `main:${odd}`);
    await server.idle();
    assert.deepEqual(
      server.begun.map(({ commit, ref }) => [commit, ref]),
      [
        [first, 'refs/heads/main'],
        [first, 'refs/tags/v1'],
        [second, odd],
      ],
    );
  });
});
