import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { paths } from '../src/api/paths.ts';
import { commit, directory, type Files, git, repository } from './repository.ts';
import { sshServer } from './ssh-server.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const execute = promisify(execFile);

export type GitProject = {
  readonly name: string;
  /** The bare repository. */
  readonly bare: string;
  /** A clone of it. */
  readonly work: string;
  readonly hook: { readonly url: string; readonly secret: string };
  /** The public half. */
  readonly deployKey: string;
  /** Commits these files; gives the hash. */
  commit(files: Files, message?: string): string;
  /** Pushes branches and tags, and with that calls the hook. */
  push(...refs: readonly string[]): Promise<void>;
};

type Asked = <T>(method: string, path: string, body?: unknown) => Promise<T>;
type Connected = { readonly hook: GitProject['hook']; readonly deployKey?: string };

/** A bare repository whose hook is `cion trigger`, as docs/webhooks.md has it, and its project on a server; without a `cloneUrlOf` one that may read files. */
export const gitProject = async (
  scope: Pick<TestContext, 'after'>,
  asked: Asked,
  name: string,
  files: Files,
  cloneUrlOf = (bare: string): string => `file://${encodeURI(bare)}`,
): Promise<GitProject> => {
  const bare = directory(scope);
  git(bare, 'init', '--quiet', '--bare', '--initial-branch=main');
  const work = repository(scope, files);
  git(work, 'remote', 'add', 'origin', bare);
  const body = { forge: 'git', name, cloneUrl: cloneUrlOf(bare) };
  const { hook, deployKey = '' } = await asked<Connected>('POST', paths.projects, body);
  writeFileSync(join(bare, 'hook-secret'), `${hook.secret}\n`, { mode: 0o600 });
  const script = join(bare, 'hooks', 'post-receive');
  const lines = ['CION_HOOK_SECRET_FILE=./hook-secret GL_USERNAME=ada', 'export CION_HOOK_SECRET_FILE GL_USERNAME'];
  writeFileSync(script, `#!/bin/sh\n${lines.join('\n')}\nexec '${process.execPath}' -- '${main}' trigger '${hook.url}'\n`);
  chmodSync(script, 0o755);
  return {
    name,
    bare,
    work,
    hook,
    deployKey,
    commit: (changed, message) => commit(work, changed, message),
    push: async (...refs) => {
      await execute('git', ['push', '--quiet', 'origin', ...refs], { cwd: work });
    },
  };
};

/** Fetched by ssh from this machine, with the deploy key that the server has made. */
export const sshProject = async (
  t: Pick<TestContext, 'after'>,
  given: { readonly address: string; readonly asked: Asked; readonly name: string; readonly files: Files },
): Promise<GitProject> => {
  const { user, address, port, allow } = await sshServer(t, given.address);
  const project = await gitProject(t, given.asked, given.name, given.files, (bare) => `ssh://${user}@${address}:${port}${encodeURI(bare)}`);
  allow(project.deployKey);
  return project;
};
