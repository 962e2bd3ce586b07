import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { fetchCommit, type FetchRequest } from './fetch-commit.ts';
import type { Credential } from './git-credential.ts';
import { SourceError } from './source-error.ts';
import { type GitOverHttps, gitOverHttps, whyNoGitBackend } from './testing/git-over-https.ts';

describe('a commit of a private repository that is fetched over https', { skip: whyNoGitBackend }, () => {
  const secret = `pat "${randomBytes(12).toString('hex')}" $(id) %41 'ü'`;
  const root = mkdtempSync(join(tmpdir(), 'cion credential '));
  let git: GitOverHttps;
  let repository: { readonly url: string; readonly commit: string };
  let credential: Credential;
  before(async () => {
    git = await gitOverHttps({ user: 'bot', secret });
    process.env.GIT_SSL_CAINFO = git.ca;
    repository = git.repository('group/sub/app', { 'a.txt': 'a\n' });
    credential = { origin: git.origin, user: 'bot', secret };
  });
  beforeEach(() => {
    git.answer = undefined;
    git.requests.length = 0;
    git.login.secret = secret;
  });
  after(async () => {
    delete process.env.GIT_SSL_CAINFO;
    await git.close();
    rmSync(root, { recursive: true, force: true });
  });

  const fetched = (more: Partial<FetchRequest> = {}) =>
    fetchCommit({
      gitDir: join(mkdtempSync(join(root, 'x-')), 'mirror.git'),
      url: repository.url,
      commit: repository.commit,
      ref: 'refs/heads/main',
      credential,
      keys: join(root, 'keys'),
      packBytes: 1024 * 1024,
      signal: new AbortController().signal,
      ...more,
    });
  const refused = (asked: Promise<unknown>, code: SourceError['code'], words: RegExp) =>
    assert.rejects(asked, (error: unknown) => {
      assert.ok(error instanceof SourceError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, words);
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(`bot:${secret}`).toString('base64')])
        assert.equal(error.message.includes(form), false, error.message);
      return true;
    });

  it('is there with the login that the project was given', async () => {
    const { commit, isTip } = await fetched();
    assert.deepEqual([commit, isTip], [repository.commit, true]);
    assert.ok(git.requests.some(({ login }) => login === `bot:${secret}`));
  });

  it('leaves the login in no command line, no environment of any process, and no file (atk-59)', async () => {
    const gitDir = join(mkdtempSync(join(root, 'x-')), 'mirror.git');
    await fetched({ gitDir });
    assert.ok(git.requests.length > 2);
    assert.deepEqual(git.exposed, []);
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const bytes = readFileSync(join(entry.parentPath, entry.name));
      for (const form of [secret, Buffer.from(secret).toString('base64'), Buffer.from(`bot:${secret}`).toString('base64')])
        assert.equal(bytes.includes(form), false, entry.name);
    }
  });

  it('says that the login is missing or wrong, without it, and not to be tried again (atk-59)', async () => {
    await refused(
      fetched({ credential: { ...credential, origin: 'https://elsewhere.example' } }),
      'SOURCE_CREDENTIAL',
      /asks for a login, and there is none/,
    );
    git.login.secret = 'another';
    await refused(fetched(), 'SOURCE_CREDENTIAL', /refuses the login/);
    git.login.secret = secret;
    await refused(fetched({ url: `${git.origin}/none.git` }), 'SOURCE_DENIED', /not found/);
    git.answer = (request, response) => {
      if (request.headers.authorization === undefined) return false;
      response.writeHead(403, { 'content-type': 'text/plain' }).end(`bot:${secret} may not ${encodeURIComponent(secret)}\n`);
      return true;
    };
    await refused(fetched(), 'SOURCE_DENIED', /403/);
  });

  it('shows the login to its own origin alone: no other host or port, and nobody whom that one leads to (atk-59, atk-67)', async (t) => {
    const other = await gitOverHttps({ user: 'bot', secret }, git);
    t.after(() => other.close());
    const there = other.repository('group/sub/app', { 'a.txt': 'b\n' });
    for (const url of [there.url, repository.url.replace('127.0.0.1', 'localhost')])
      await refused(fetched({ url }), 'SOURCE_CREDENTIAL', /there is none for it/);
    assert.ok(other.requests.length > 0);
    assert.deepEqual(new Set([...other.requests, ...git.requests].map(({ login }) => login)), new Set([undefined]));
    other.requests.length = 0;
    for (const status of [301, 302, 307, 308]) {
      for (const isAfterLogin of [false, true]) {
        git.answer = (request, response) => {
          if (isAfterLogin && request.headers.authorization === undefined) return false;
          response.writeHead(status, { location: `${other.origin}${request.url}` }).end();
          return true;
        };
        await refused(fetched(), 'SOURCE_ADDRESS', /leads to another address/);
      }
    }
    assert.deepEqual(other.requests, []);
  });
});
