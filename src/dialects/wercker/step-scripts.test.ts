import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { shellFunctions } from './shell-functions.ts';
import { fetchedScript, inlineScript, setupScript } from './step-scripts.ts';

const shells = ['/bin/sh', '/bin/bash'].filter((shell) => existsSync(shell));

/** A container's root as a directory: the scripts' paths are moved below it. */
const box = (files: Readonly<Record<string, string>>) => {
  const root = mkdtempSync(join(tmpdir(), 'cion steps '.replaceAll(' ', '-')));
  const write = (path: string, text: string): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const directory of ['pipeline', 'report/x', 'mnt/wercker/source', 'mnt/wercker/cache', 'tmp'])
    mkdirSync(join(root, directory), { recursive: true });
  write('mnt/cion/functions.sh', shellFunctions);
  for (const [path, text] of Object.entries(files)) write(path, text);
  return {
    root,
    run: (script: string, shell = '/bin/sh') => {
      const moved = script.replaceAll(/(?<![\w."$])\/(pipeline|mnt|report|tmp\/build)(?=\b|_)/g, `${root}/$1`);
      write('script', moved);
      const env = {
        PATH: process.env['PATH'] ?? '',
        BUILD_DIR: join(root, 'tmp/build/b1'),
        WERCKER_STEP_ROOT: join(root, 'pipeline/x'),
        WERCKER_REPORT_MESSAGE_FILE: join(root, 'report/x/message.txt'),
      };
      return spawnSync(shell, ['-c', `. '${root}/script'`], { encoding: 'utf8', env });
    },
    tree: (path: string): readonly string[] => readdirSync(join(root, path), { recursive: true, encoding: 'utf8' }).sort(),
    read: (path: string) => readFileSync(join(root, path), 'utf8'),
    gone: () => rmSync(root, { recursive: true }),
  };
};

const usual = { base: '/pipeline/source', workdir: '/pipeline/source', ignoreFile: '.werckerignore' };

test('source and cache are copied to where a step may write, and what lay there is gone (R-WRK-92)', () => {
  for (const shell of shells) {
    const { run, root, tree, read, gone } = box({
      'mnt/wercker/source/a b': 'new',
      'mnt/wercker/source/.git/HEAD': 'x',
      'mnt/wercker/cache/kept': '1',
      'pipeline/source/old': '',
      'pipeline/source/.old': '',
      'pipeline/output/..old': '',
    });
    symlinkSync('nowhere', join(root, 'mnt/wercker/source/link'));
    const done = run(setupScript(usual), shell);
    assert.equal(done.status, 0, done.stderr);
    assert.deepEqual(tree('pipeline/source'), ['.git', '.git/HEAD', 'a b', 'link']);
    assert.equal(read('pipeline/source/a b'), 'new');
    assert.deepEqual([tree('pipeline/output'), tree('pipeline/cache')], [[], ['kept']]);
    assert.deepEqual(tree('mnt/wercker/source').length, 4);
    gone();
  }
});

test('the source is in the directory of the build too, and output where the seed has it; what an image has there is gone (R-WRK-81, R-WRK-93)', () => {
  for (const shell of shells) {
    const { run, root, tree, read, gone } = box({
      'mnt/wercker/source/a': 'a',
      'tmp/build_output/old': '',
      'tmp/build/b0/source': 'theirs',
    });
    for (let n = 0; n < 2; n++)
      assert.equal(
        run(`${setupScript(usual)}\ncd /tmp/build/b1/source && pwd -P`, shell).stdout,
        `${realpathSync(join(root, 'pipeline/source'))}\n`,
      );
    writeFileSync(join(root, 'tmp/build_output/made'), 'made');
    assert.deepEqual([tree('pipeline/output'), read('tmp/build/b1/source/a'), read('tmp/build/b0/source')], [['made'], 'a', 'theirs']);
    gone();
  }
});

test('files that the ignore file names are left out, at any depth, but those with "!"', () => {
  for (const shell of shells) {
    const { run, tree, gone } = box({
      'mnt/wercker/source/.werckerignore': '# no comment\r\n  *.log  \n!keep.log\n/top\nsub/deep\nbuild/\nwith space\n',
      'mnt/wercker/source/a.log': '',
      'mnt/wercker/source/keep.log': '',
      'mnt/wercker/source/x/b.log': '',
      'mnt/wercker/source/top': '',
      'mnt/wercker/source/x/top': '',
      'mnt/wercker/source/sub/deep/f': '',
      'mnt/wercker/source/x/sub/deep': '',
      'mnt/wercker/source/build/f': '',
      'mnt/wercker/source/x/build': '',
      'mnt/wercker/source/with space/f': '',
    });
    const done = run(setupScript(usual), shell);
    assert.equal(done.status, 0, done.stderr);
    assert.deepEqual(tree('pipeline/source'), ['.werckerignore', 'keep.log', 'sub', 'x', 'x/build', 'x/sub', 'x/top']);
    gone();
  }
});

test('a source-dir that is not in the source fails with a message', () => {
  const { run, read, gone } = box({});
  const done = run(setupScript({ ...usual, workdir: '/pipeline/source/app' }));
  assert.equal(done.status, 1);
  assert.equal(read('report/x/message.txt'), 'there is no app in the source\n');
  gone();
});

test('a script ends where a command fails, unless it begins with "#!"', () => {
  const { run, gone } = box({});
  assert.equal(run(inlineScript('false\necho after')).stdout, '');
  assert.equal(run(inlineScript('#!/bin/sh\nfalse\necho after')).stdout, 'after\n');
  assert.equal(run(inlineScript('test -d "$WERCKER_STEP_ROOT"')).status, 0);
  gone();
});

test('step code is sourced from its mount, init.sh before run.sh, and lies beside its own files (R-WRK-94, R-WRK-154)', () => {
  const { run, gone } = box({
    'mnt/wercker/x/init.sh': 'X=init',
    'mnt/wercker/x/run.sh': 'echo "$X $(cat "$WERCKER_STEP_ROOT/data")"; false; echo on',
    'mnt/wercker/x/data': 'data',
  });
  assert.equal(run(fetchedScript('x', ['init.sh', 'run.sh'])).stdout, 'init data\non\n');
  assert.match(run(`set -x\n${fetchedScript('x', ['run.sh'])}`).stderr, /\. \S+\/mnt\/wercker\/x\/run\.sh\n/);
  const failing = box({ 'mnt/wercker/x/init.sh': 'return 3', 'mnt/wercker/x/run.sh': 'echo on' });
  const done = failing.run(fetchedScript('x', ['init.sh', 'run.sh']));
  assert.deepEqual([done.status, done.stdout], [3, '']);
  gone();
  failing.gone();
});

test('steps find their helper functions, and a sudo where there is none', () => {
  for (const shell of shells) {
    const { run, read, gone } = box({});
    const out = run(
      inlineScript('success a; info "b  c"; warn d; error e; sudo -E A=1 sh -c \'echo "$A"\'; sudo echo f; setMessage "g h"'),
      shell,
    );
    assert.equal(out.stdout, '\u001b[32ma\u001b[0m\nb  c\n\u001b[33md\u001b[0m\n\u001b[31merror: e\u001b[0m\n1\nf\n', out.stderr);
    assert.equal(read('report/x/message.txt'), 'g h\n');
    const failed = run(inlineScript('fail "no way"; echo on'), shell);
    assert.deepEqual([failed.status, failed.stdout], [1, '\u001b[31mfailed: no way\u001b[0m\n']);
    assert.equal(read('report/x/message.txt'), 'no way\n');
    gone();
  }
});
