import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { FetchRequest } from './fetch-commit.ts';
import { sourceApart } from './source-apart.ts';
import { SourceError } from './source-error.ts';
import { sourceWork } from './source-work.ts';

const never = new AbortController().signal;
const mib = 1024 * 1024;
const git = (directory: string, ...args: readonly string[]): string =>
  execFileSync('git', ['-C', directory, '-c', 'user.name=me', '-c', 'user.email=me@example.com', ...args], { encoding: 'utf8' }).trim();

describe('work on repositories in a process of its own', () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cion apart "ü" '));
  });
  after(() => rm(root, { recursive: true, force: true }));
  const fresh = () => mkdtemp(join(root, 'x'));

  const started = (t: TestContext) => {
    const apart = sourceApart();
    t.after(() => apart.close());
    return apart;
  };
  const requestOf = async (url: string, more: Partial<FetchRequest> = {}): Promise<FetchRequest> => ({
    gitDir: join(await fresh(), 'mirror.git'),
    keys: join(await fresh(), 'keys'),
    url,
    ref: 'refs/heads/main',
    allowFiles: true,
    packBytes: 64 * mib,
    signal: never,
    ...more,
  });
  const repository = async (): Promise<string> => {
    const directory = await fresh();
    git(directory, 'init', '-q', '-b', 'main');
    await writeFile(join(directory, 'a b.txt'), 'a\n');
    git(directory, 'add', '-A');
    git(directory, 'commit', '-q', '-m', 'Wörter');
    return directory;
  };

  /** It takes connections and says nothing. */
  const silent = async (t: TestContext) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const sockets: Socket[] = [];
    server.on('connection', (socket) => sockets.push(socket.on('error', () => {})));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return { server, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/owner/name` };
  };
  const connection = async (server: ReturnType<typeof createServer>): Promise<Socket> => {
    const [socket] = (await once(server, 'connection')) as [Socket];
    return socket.resume();
  };

  it('gives what this process gives, and tells the lines of its log', async (t) => {
    const apart = started(t);
    const request = await requestOf(pathToFileURL(await repository()).href);
    const commit = await apart.fetchCommit(request);
    assert.deepEqual(commit, await sourceWork.fetchCommit(request));
    const taken = async (work: typeof sourceWork) => {
      const lines: string[] = [];
      const into = join(await fresh(), 'checkout');
      const limits = { files: 10, bytes: mib };
      const about = { gitDir: request.gitDir, commit, branch: 'main', into, limits, signal: never };
      const source = await work.snapshotOfMirror({ ...about, log: (line) => lines.push(line) });
      return { source, lines, text: readFileSync(join(into, 'a b.txt'), 'utf8') };
    };
    const here = await taken(sourceWork);
    assert.deepEqual(here.lines, [`${commit.commit.slice(0, 7)} Wörter`]);
    assert.deepEqual(await taken(apart), here);
  });

  it('knows which branches and tags there are, by their whole names, and fetches nothing for it', async (t) => {
    const directory = await repository();
    git(directory, 'tag', 'v1');
    const { gitDir: _mirror, packBytes: _bytes, ...question } = await requestOf(pathToFileURL(directory).href);
    for (const work of [sourceWork, started(t)]) {
      const there = ['refs/heads/main', 'refs/tags/v1', 'refs/heads/gone', 'refs/heads/v1', 'heads/main', 'refs/heads/*', 'main'].map(
        (ref) => work.hasRef({ ...question, ref }),
      );
      assert.deepEqual(await Promise.all(there), [true, true, false, false, false, false, false]);
      const nowhere = { ...question, url: pathToFileURL(join(root, 'nowhere')).href, ref: 'refs/heads/main' };
      await assert.rejects(work.hasRef(nowhere), (error: unknown) => error instanceof SourceError);
      await assert.rejects(work.hasRef({ ...nowhere, url: '/etc' }), { code: 'SOURCE_ADDRESS' });
    }
    assert.deepEqual(readdirSync(question.keys), []);
  });

  it('says by its code what is wrong', async (t) => {
    const apart = started(t);
    const request = await requestOf(pathToFileURL(await repository()).href, { ref: 'refs/heads/gone' });
    await assert.rejects(apart.fetchCommit(request), (error: unknown) => error instanceof SourceError && error.code === 'SOURCE_REF_GONE');
  });

  it('ends with the reason of who asked, when nothing of it is under way any more', { timeout: 60_000 }, async (t) => {
    const { server, url } = await silent(t);
    const apart = started(t);
    const stop = new AbortController();
    const request = await requestOf(url, { signal: stop.signal });
    const fetching = assert.rejects(apart.fetchCommit(request), (error) => error === 'enough');
    const socket = await connection(server);
    const closed = once(socket, 'close');
    stop.abort('enough');
    await fetching;
    await closed;
    await assert.rejects(apart.fetchCommit(request), (error) => error === 'enough');
  });

  it('is done once more where the process was killed at it, and not a third time', { timeout: 60_000 }, async (t) => {
    const { server, url } = await silent(t);
    const apart = started(t);
    const fetching = assert.rejects(
      apart.fetchCommit(await requestOf(url)),
      (error: unknown) => error instanceof SourceError && error.code === 'SOURCE_GIT_FAILED',
    );
    const connected = [];
    for (let i = 0; i < 2; i++) {
      connected.push(await connection(server));
      for (const pid of childrenOf(process.pid)) process.kill(pid, 'SIGKILL');
    }
    await fetching;
    const commit = await apart.fetchCommit(await requestOf(pathToFileURL(await repository()).href));
    assert.equal(commit.subject, 'Wörter');
  });

  it('ends with the process that started it, also one that was killed, and heeds no signal of its terminal', {
    timeout: 60_000,
  }, async (t) => {
    const { server, url } = await silent(t);
    const request = JSON.stringify(await requestOf(url, { signal: undefined as never }));
    const program = `
      import { sourceApart } from ${JSON.stringify(import.meta.resolve('./source-apart.ts'))};
      sourceApart().fetchCommit({ ...${request}, signal: new AbortController().signal });`;
    const parent: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const socket = await connection(server);
    const [child = 0] = childrenOf(parent.pid ?? 0);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(child, signal);
    assert.ok(existsSync(`/proc/${child}`));
    const closed = once(socket, 'close');
    parent.kill('SIGKILL');
    await closed;
  });
});

/** Those that work on repositories. */
const childrenOf = (parent: number): readonly number[] =>
  execFileSync('pgrep', ['-P', String(parent), '-f', 'source-process'], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number);
