import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Source } from '../run/run-event.ts';
import { describeSource } from './describe-source.ts';
import { snapshot } from './snapshot.ts';

const never = new AbortController().signal;
const person = ['-c', 'user.name=me', '-c', 'user.email=me@example.com', '-c', 'protocol.file.allow=always', '-c', 'commit.gpgsign=false'];
const git = (directory: string, ...args: readonly string[]): string =>
  execFileSync('git', ['-C', directory, ...person, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
    .toString()
    .trim();

describe('the source of a run', () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cion source: "größe" '));
  });
  after(() => rm(root, { recursive: true, force: true }));
  const fresh = () => mkdtemp(join(root, 'x '));

  const repository = async (files: Readonly<Record<string, string>> = { 'a.txt': 'a\n', 'dir/b.txt': 'b\n' }): Promise<string> => {
    const directory = await fresh();
    git(directory, 'init', '-q', '-b', 'main');
    await write(directory, files);
    git(directory, 'add', '-A');
    git(directory, 'commit', '-q', '-m', 'The first\n\nwith a body');
    return directory;
  };
  const take = async (dir: string, commit?: string): Promise<{ into: string; source: Source; log: readonly string[] }> => {
    const into = join(await fresh(), 'checkout');
    const log: string[] = [];
    const options = { dir, into, signal: never, log: (line: string) => log.push(line) };
    return { into, source: await snapshot(commit === undefined ? options : { ...options, commit }), log };
  };

  it('is the commit that was named, in a checkout whose HEAD it is, also when the branch has moved since (R-CIO-07, R-CIO-42)', async () => {
    const repo = await repository();
    const first = git(repo, 'rev-parse', 'HEAD');
    await write(repo, { 'a.txt': 'changed\n', 'new.txt': 'new\n' });
    git(repo, 'add', '-A');
    git(repo, 'commit', '-q', '-m', 'The second');
    await write(repo, { 'untracked.txt': 'x' });
    const { into, source } = await take(repo, first);
    assert.equal(git(into, 'rev-parse', 'HEAD'), first);
    assert.equal(git(into, 'status', '--porcelain'), '');
    assert.deepEqual(await tree(into), { 'a.txt': 'a\n', 'dir/': '', 'dir/b.txt': 'b\n' });
    assert.equal(git(into, 'rev-list', '--count', 'HEAD'), '1');
    const expected = {
      commit: first,
      subject: 'The first',
      tree: git(repo, 'rev-parse', `${first}^{tree}`),
      changedFiles: 0,
      files: 2,
      bytes: 4,
    };
    assert.deepEqual(source, expected);
    assert.deepEqual((await take(repo, 'main')).source.branch, 'main');
    assert.equal((await take(repo, 'HEAD~1')).source.commit, first);
  });

  it('is the working tree as git sees it: changes, new and deleted files, modes, links, odd names; HEAD is the commit (R-CIO-42)', async () => {
    const repo = await repository({
      '.gitignore': 'ignored\n*.o\n',
      'kept.txt': 'kept',
      'changed.txt': 'before',
      'deleted.txt': 'x',
      'gone/deep.txt': 'x',
      'becomes-directory': 'x',
      'becomes-link/file': 'x',
      'script.sh': 'echo',
      'staged.txt': 'before',
    });
    await write(repo, {
      'changed.txt': 'after',
      'new dir/größe\n"neu".txt': 'new',
      ignored: 'x',
      'lib/x.o': 'x',
      'staged.txt': 'staged',
      'only-staged': 'staged',
      '.cion/run/x': 'x',
      '.cion/.gitignore': '*\n',
    });
    git(repo, 'add', 'staged.txt', 'only-staged');
    for (const name of ['deleted.txt', 'gone', 'becomes-directory', 'becomes-link']) await rm(join(repo, name), { recursive: true });
    await write(repo, { 'becomes-directory/inside': 'x' });
    await symlink('new dir', join(repo, 'becomes-link'));
    await symlink('/nowhere', join(repo, 'dangling'));
    await chmod(join(repo, 'script.sh'), 0o755);
    const { into, source, log } = await take(repo);
    assert.deepEqual(await tree(into), {
      '.gitignore': 'ignored\n*.o\n',
      'becomes-directory/': '',
      'becomes-directory/inside': 'x',
      'becomes-link': '-> new dir',
      'changed.txt': 'after',
      dangling: '-> /nowhere',
      'kept.txt': 'kept',
      'new dir/': '',
      'new dir/größe\n"neu".txt': 'new',
      'only-staged': 'staged',
      'script.sh': 'echo',
      'staged.txt': 'staged',
    });
    assert.equal((await stat(join(into, 'script.sh'))).mode & 0o111, 0o111);
    assert.equal(git(into, 'rev-parse', 'HEAD'), git(repo, 'rev-parse', 'HEAD'));
    assert.deepEqual([source.branch, source.files, source.commit], ['main', 10, git(repo, 'rev-parse', 'HEAD')]);
    assert.equal(source.changedFiles, git(into, 'status', '--porcelain', '-uall').split('\n').length);
    assert.match(log.at(-1) ?? '', /^[0-9a-f]{7} The first \+ 12 changed files$/);
    await rm(repo, { recursive: true });
    git(into, 'add', '-A');
    assert.equal(git(into, 'write-tree'), source.tree);
    git(into, 'fsck', '--strict');
  });

  it('leaves the user’s repository byte for byte as it was: index, stash, refs, objects, files', async () => {
    const repo = await repository();
    await write(repo, { 'a.txt': 'stashed' });
    git(repo, 'stash');
    await write(repo, { 'a.txt': 'changed', 'new.txt': 'new', 'staged.txt': 's' });
    git(repo, 'add', 'staged.txt');
    git(repo, 'update-index', '--split-index');
    await utimes(join(repo, 'dir/b.txt'), 1, 1);
    const before = await everything(repo);
    await describeSource(repo);
    await take(repo);
    await take(repo, 'HEAD');
    assert.deepEqual(await everything(repo), before);
  });

  it('sees a change made in the same moment as the index was written', async () => {
    const repo = await repository({ 'a.txt': 'one' });
    for (let i = 0; i < 10; i++) {
      await write(repo, { 'a.txt': `a${i}` });
      git(repo, 'add', 'a.txt');
      await write(repo, { 'a.txt': `b${i}` });
      const { into } = await take(repo);
      assert.equal(await readFile(join(into, 'a.txt'), 'utf8'), `b${i}`);
    }
  });

  it('runs no program that the repository’s configuration names, and no hook (atk-57)', async () => {
    const repo = await repository({ '.gitattributes': '* filter=evil\n*.b filter=a=b.c diff=evil\n', 'x.a': 'x', 'x.b': 'x' });
    const marker = join(repo, '..', `ran-${Math.random()}`);
    const evil = join(await fresh(), 'evil.sh');
    await writeFile(evil, `#!/bin/sh\necho "$0 $@" >> '${marker}'\nexit 1\n`, { mode: 0o755 });
    const quotedEvil = `"${evil.replaceAll('"', '\\"')}"`;
    for (const hook of ['post-index-change', 'post-checkout', 'reference-transaction', 'fsmonitor-watchman', 'pre-auto-gc', 'update']) {
      await writeFile(join(repo, '.git/hooks', hook), `#!/bin/sh\necho ${hook} >> '${marker}'\n`, { mode: 0o755 });
    }
    const settings = ['core.fsmonitor', 'gpg.program', 'core.alternateRefsCommand', 'core.sshCommand', 'core.pager', 'diff.external'];
    const filters = ['evil', 'a=b.c'].flatMap((name) => ['clean', 'smudge', 'process'].map((key) => `filter.${name}.${key}`));
    const packing = [
      'uploadpack.packObjectsHook',
      'remote.origin.uploadpack',
      'credential.helper',
      'diff.evil.textconv',
      'diff.evil.command',
    ];
    for (const key of [...settings, ...filters, ...packing]) git(repo, 'config', key, quotedEvil);
    for (const [key, value] of [
      ['filter.evil.required', 'true'],
      ['log.showSignature', 'true'],
      ['remote.origin.promisor', 'true'],
      ['remote.origin.url', `ext::sh -c "touch% '${marker}'"`],
      ['extensions.partialClone', 'origin'],
      ['core.repositoryFormatVersion', '1'],
      ['protocol.ext.allow', 'always'],
    ] as const) {
      git(repo, 'config', key, value);
    }
    await write(repo, { 'x.a': 'changed', 'x.b': 'changed', 'new.b': 'new' });
    await describeSource(repo);
    const { into } = await take(repo);
    await take(repo, 'HEAD');
    assert.equal(await readFile(join(into, 'new.b'), 'utf8'), 'new');
    assert.equal(await readFile(join(into, 'x.a'), 'utf8'), 'changed');
    assert.equal(await readFile(marker, 'utf8').catch(() => 'nothing ran'), 'nothing ran');
    assert.deepEqual(await readdir(join(into, '.git', 'hooks')).catch(() => []), []);
  });

  it('takes no revision for an option, and names the one that is unknown (atk-57)', async () => {
    const repo = await repository();
    for (const rev of ['--upload-pack=touch x', '-n', '', 'nowhere', 'main:a.txt', 'a\0b', '0'.repeat(40)]) {
      await assert.rejects(take(repo, rev), { name: 'SourceError', code: 'SOURCE_UNKNOWN_COMMIT' }, rev);
    }
  });

  it('runs none of a submodule’s programs either, and warns that it stays empty', async () => {
    const inner = await repository({ 'inner.txt': 'i' });
    const repo = await repository();
    git(repo, 'submodule', 'add', '-q', inner, 'sub module');
    git(repo, 'commit', '-q', '-m', 'with a submodule');
    const marker = join(await fresh(), 'ran');
    git(join(repo, 'sub module'), 'config', 'core.fsmonitor', `touch '${marker}'; false`);
    git(join(repo, 'sub module'), 'config', 'filter.inner.clean', `touch '${marker}'; cat`);
    await writeFile(join(repo, '.git/modules/sub module/info/attributes'), '* filter=inner\n');
    await write(repo, { 'sub module/inner.txt': 'j', 'own repository/x': 'x' });
    git(join(repo, 'own repository'), 'init', '-q');
    git(join(repo, 'own repository'), 'add', '-A');
    git(join(repo, 'own repository'), 'commit', '-q', '-m', 'x');
    const { into, source, log } = await take(repo);
    assert.deepEqual(log.slice(0, 2), [
      'warning: own repository is a git repository of its own and is left out',
      'warning: the submodule sub module is not fetched, its directory stays empty',
    ]);
    assert.deepEqual(await readdir(join(into, 'sub module')), []);
    assert.deepEqual([source.changedFiles, source.files], [0, 3]);
    assert.equal(await stat(marker).catch(() => 'nothing ran'), 'nothing ran');
  });

  it('keeps LFS pointers as they are, also where LFS is set up for the user', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n';
    const repo = await repository({ '.gitattributes': '*.bin filter=lfs\n', 'large.bin': pointer });
    const home = process.env.HOME;
    process.env.HOME = await fresh();
    try {
      await writeFile(
        join(process.env.HOME, '.gitconfig'),
        '[filter "lfs"]\n  smudge = tr a-z A-Z\n  clean = tr a-z A-Z\n  required = true\n',
      );
      assert.equal(await readFile(join((await take(repo)).into, 'large.bin'), 'utf8'), pointer);
      assert.equal(await readFile(join((await take(repo, 'HEAD')).into, 'large.bin'), 'utf8'), pointer);
    } finally {
      if (home === undefined) delete process.env.HOME;
      else process.env.HOME = home;
    }
  });

  it('works from a sub-directory, a worktree, a shallow clone, a detached HEAD, and inside a hook of git’s', async () => {
    const repo = await repository();
    const head = git(repo, 'rev-parse', 'HEAD');
    const worktree = join(await fresh(), 'work tree');
    git(repo, 'worktree', 'add', '-q', '-b', 'side', worktree);
    await write(worktree, { 'side.txt': 's' });
    const shallow = join(await fresh(), 'shallow');
    git(root, 'clone', '-q', '--depth=1', `file://${encodeURI(repo)}`, shallow);
    git(repo, 'checkout', '-q', '--detach');
    process.env.GIT_DIR = '/nowhere';
    process.env.GIT_INDEX_FILE = '/nowhere/index';
    try {
      for (const [dir, branch, files] of [
        [join(repo, 'dir'), undefined, 2],
        [worktree, 'side', 3],
        [shallow, 'main', 2],
      ] as const) {
        const { into, source } = await take(dir);
        assert.deepEqual([source.commit, source.branch, source.files], [head, branch, files]);
        assert.equal(source.changedFiles, (await describeSource(dir).then((found) => found.kind === 'git' && found.changedFiles)) || 0);
        assert.equal((await readdir(into)).includes('a.txt'), true);
      }
    } finally {
      delete process.env.GIT_DIR;
      delete process.env.GIT_INDEX_FILE;
    }
    assert.deepEqual(await describeSource(join(repo, 'dir')), {
      kind: 'git',
      root: repo,
      commit: head,
      subject: 'The first',
      changedFiles: 0,
    });
  });

  it('counts changed, new and deleted files, not ignored ones', async () => {
    const repo = await repository({ '.gitignore': 'ignored\n', a: 'a', b: 'b', c: 'c' });
    await write(repo, { a: 'changed', 'new/1': 'n', 'new/2': 'n', ignored: 'i' });
    await rm(join(repo, 'b'));
    git(repo, 'mv', 'c', 'moved');
    const description = await describeSource(repo);
    assert.equal(description.kind === 'git' && description.changedFiles, 6);
    assert.equal((await take(repo)).source.changedFiles, 6);
  });

  it('is a copy of all files but .cion where there is no git', async () => {
    const directory = await fresh();
    await write(directory, { 'a.txt': 'a', 'deep/er/b': 'b', '.cion/run/x': 'x', '.hidden': 'h', größe: 'g' });
    await mkdir(join(directory, 'empty'));
    await symlink('a.txt', join(directory, 'link'));
    await chmod(join(directory, 'a.txt'), 0o755);
    execFileSync('mkfifo', [join(directory, 'pipe')]);
    const into = join(directory, '.cion', 'state', 'checkout');
    const source = await snapshot({ dir: directory, into, signal: never, log: () => {} });
    assert.deepEqual(await tree(into), {
      '.hidden': 'h',
      'a.txt': 'a',
      'deep/': '',
      'deep/er/': '',
      'deep/er/b': 'b',
      'empty/': '',
      größe: 'g',
      link: '-> a.txt',
    });
    assert.equal((await lstat(join(into, 'a.txt'))).mode & 0o777, 0o755);
    assert.deepEqual(source, { changedFiles: 0, files: 5, bytes: 9 });
    assert.deepEqual(await describeSource(directory), { kind: 'directory', root: directory });
    await assert.rejects(snapshot({ dir: directory, commit: 'main', into, signal: never, log: () => {} }), {
      code: 'SOURCE_NO_REPOSITORY',
    });
  });

  it('says what is wrong with a place that cannot be run', async () => {
    const empty = await fresh();
    git(empty, 'init', '-q');
    await assert.rejects(describeSource(empty), { code: 'SOURCE_NO_COMMITS' });
    const bare = await fresh();
    git(bare, 'init', '-q', '--bare');
    await assert.rejects(describeSource(bare), { code: 'SOURCE_BARE' });
    await assert.rejects(describeSource(join(root, 'nowhere')), { code: 'SOURCE_NOT_FOUND' });
    const broken = await repository();
    await writeFile(join(broken, '.git/config'), '[broken');
    await assert.rejects(describeSource(broken), { code: 'SOURCE_GIT_FAILED' });
    const abort = AbortSignal.abort(new Error('enough'));
    await assert.rejects(snapshot({ dir: await repository(), into: join(await fresh(), 'x'), signal: abort, log: () => {} }), /enough/);
  });

  it('replaces what an interrupted snapshot left', async () => {
    const repo = await repository();
    const into = join(await fresh(), 'checkout');
    await write(into, { '.git/half': 'x', stray: 'x' });
    await snapshot({ dir: repo, into, signal: never, log: () => {} });
    assert.deepEqual(Object.keys(await tree(into)), ['a.txt', 'dir/', 'dir/b.txt']);
  });
});

const write = async (directory: string, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(directory, name, '..'), { recursive: true });
    await writeFile(join(directory, name), content);
  }
};

const tree = async (directory: string): Promise<Readonly<Record<string, string>>> => {
  const found: Record<string, string> = {};
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    const name = join(entry.parentPath, entry.name).slice(directory.length + 1);
    if (name === '.git' || name.startsWith('.git/')) continue;
    if (entry.isDirectory()) found[`${name}/`] = '';
    else
      found[name] = entry.isSymbolicLink() ? `-> ${await readlink(join(directory, name))}` : await readFile(join(directory, name), 'utf8');
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
};

const everything = async (directory: string): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mode } = await lstat(path);
    found.push(
      `${path} ${mode} ${
        entry.isFile()
          ? createHash('sha256')
              .update(await readFile(path))
              .digest('hex')
          : ''
      }`,
    );
  }
  return found.sort();
};
