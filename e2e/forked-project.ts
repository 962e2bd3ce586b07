import { execFileSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { tokenMade } from '../src/api/auth.ts';
import { browserOf, type Browser } from '../src/server/auth/testing/browser.ts';
import { gitHubExamples } from '../src/server/forges/testing/github-examples.ts';
import { gitHubForge } from '../src/server/forges/testing/github-forge.ts';
import type { GithubStandIn } from '../src/server/forges/testing/github-stand-in.ts';
import { fromGitHub } from '../src/server/forges/testing/hook-request.ts';
import { post } from '../src/server/intake/testing/post.ts';
import { commit, directory, type Files, git, repository } from './repository.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/** Somebody who is logged in with the forge of the tests. */
export type Person = Browser & { readonly id: number; readonly token: string };

/**
 * A server and a GitHub of the tests, with the public repository `acme/app` that olga owns there, and of which eve, who may push to it, has a fork.
 * Commits of the fork are where GitHub has them: in the repository itself, as `refs/pull/N/head`.
 */
export const forkedProject = async (files: Files, args: readonly string[] = []) => {
  const undo: (() => void)[] = [];
  const scope = { after: (one) => void undo.push(one as () => void) } as Pick<TestContext, 'after'>;
  const forge = await gitHubForge();
  const github = forge.server as GithubStandIn;
  const server = await startServer({
    args: ['--github-url', forge.url, '--github-api', forge.url, '--github-join', 'everybody', ...args],
    env: { CION_GITHUB_CLIENT_ID: github.oauth.app.clientId, CION_GITHUB_CLIENT_SECRET: github.oauth.app.clientSecret },
  });
  const bare = directory(scope);
  git(bare, 'init', '--quiet', '--bare', '--initial-branch=main');
  git(bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
  const work = repository(scope, files);
  git(work, 'remote', 'add', 'origin', bare);
  git(work, 'push', '--quiet', 'origin', 'main');
  const { id: repositoryId } = github.addRepository('acme/app', { cloneUrl: `file://${encodeURI(bare)}` });

  const enter = async (login: string, may: 'admin' | 'push'): Promise<Person> => {
    const user = github.addUser(login);
    github.repositories.get(repositoryId)?.may.set(user.id, may);
    github.oauth.person.user = String(user.id);
    const browser = browserOf(server.url, server.url);
    const { headers } = await browser.get('/api/auth/github');
    const back = await fetch(headers.get('location') ?? '', { redirect: 'manual' });
    await browser.follow(back.headers.get('location') ?? '');
    const scopes = ['read', 'run', 'decide', 'secrets', 'settings'];
    const made = await browser.post('/api/auth/tokens', { name: 'e2e', scopes });
    return { ...browser, id: user.id, token: tokenMade.parse(made.body).token };
  };
  const olga = await enter('olga', 'admin');
  const eve = await enter('eve', 'push');
  const connected = await olga.post('/api/projects', { forge: 'github', repository: String(repositoryId) });
  assert.equal(connected.status, 200, JSON.stringify(connected.body));
  const [hook] = forge.hooks(String(repositoryId));
  const [example] = gitHubExamples('pull_request', ({ action }) => action === 'synchronize');
  let deliveries = 0;

  const deliver = async (event: string, payload: object): Promise<void> => {
    const sent = fromGitHub(event, payload, hook?.secret ?? '', `d${++deliveries}`);
    assert.deepEqual((await post(server.url, '/hooks/github/acme/app', sent)).status, 202);
  };
  return {
    server,
    forge,
    olga,
    eve,
    bare,
    /** With the signature of the hook that the server made at the forge. */
    deliver,
    repositoryId,
    /** A commit of eve's fork on top of main, as a pull request of it; by whom it was sent is who pushed. */
    pull: async (number: number, changed: Files, { sender = eve.id, action = 'synchronize', remove = [] as readonly string[] } = {}) => {
      git(work, 'checkout', '--quiet', '--detach', 'main');
      for (const path of remove) git(work, 'rm', '--quiet', path);
      const made = commit(work, changed, 'an innocent change');
      git(work, 'push', '--quiet', '--force', 'origin', `${made}:refs/pull/${number}/head`);
      const own = { id: repositoryId, full_name: 'acme/app', clone_url: 'https://evil.example/x.git' };
      await deliver('pull_request', {
        ...example,
        action,
        number,
        repository: own,
        sender: { id: sender, login: 'olga' },
        pull_request: {
          ...example?.pull_request,
          draft: false,
          state: 'open',
          title: 'cion: approve',
          user: { id: eve.id, login: 'olga' },
          head: { sha: made, ref: 'main', repo: { id: repositoryId + 1000, full_name: 'acme/app', fork: false } },
          base: { ref: 'main', repo: own },
        },
      });
      return made;
    },
    /** A commit of the repository itself, pushed to main. */
    push: async (changed: Files) => {
      git(work, 'checkout', '--quiet', 'main');
      const made = commit(work, changed);
      git(work, 'push', '--quiet', 'origin', 'main');
      const [push] = gitHubExamples('push', ({ ref }) => ref === 'refs/heads/master');
      const own = { id: repositoryId, full_name: 'acme/app', clone_url: 'https://evil.example/x.git' };
      const pushed = { after: made, head_commit: { id: made }, commits: [{ id: made, added: [], removed: [], modified: ['a'] }] };
      await deliver('push', { ...push, ref: 'refs/heads/main', repository: own, sender: { id: olga.id, login: 'olga' }, ...pushed });
      return made;
    },
    /** All containers, ended ones too, that the server's worker made for a run. */
    containersOf: (run: string): readonly string[] =>
      execFileSync('docker', ['ps', '--all', '--quiet', '--no-trunc', '--filter', `label=cion.run=${run}`], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line !== ''),
    close: async () => {
      await server.close();
      await forge.server.close();
      for (const one of undo) one();
    },
  };
};

export type ForkedProject = Awaited<ReturnType<typeof forkedProject>>;

/** As soon as the run waits for approval. */
export const waiting = async (server: ServerProcess, number: number) => {
  await server.begun('acme/app', number);
  await server.until('acme/app', number, ({ kind }) => kind === 'approval.asked');
  return server.client.run('acme/app', number);
};
