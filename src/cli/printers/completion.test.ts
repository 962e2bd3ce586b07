import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { candidateLines, completionScript, type Shell } from './completion.ts';
import { noTerminal, startTerminal } from './testing/terminal.ts';

/** A cion that offers what is in a file and says what it was called with. */
const stand = (shell: Shell, candidates: readonly string[]) => {
  const dir = mkdtempSync(join(tmpdir(), `completion ${shell} `));
  after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  const [script, offered, asked] = ['script', 'offered', 'asked'].map((name) => join(dir, name)) as [string, string, string];
  writeFileSync(script, completionScript(shell));
  writeFileSync(offered, candidates.map((line) => `${line}\n`).join(''));
  for (const name of ['cion', 'dockercise']) {
    writeFileSync(
      join(dir, name),
      `#!/bin/sh
if [ "$1" = complete ]; then shift 2; printf '[%s]' "$@" > '${asked}'; cat '${offered}'; else printf 'RAN'; printf ' [%s]' "$@"; echo; fi
`,
      { mode: 0o755 },
    );
  }
  const env = {
    ...process.env,
    PATH: `${dir}${delimiter}${process.env['PATH']}`,
    HOME: dir,
    LC_ALL: 'C.UTF-8',
    ZDOTDIR: dir,
    XDG_CONFIG_HOME: dir,
    XDG_DATA_HOME: dir,
  };
  return { dir, script, env, asked: () => readFileSync(asked, 'utf8') };
};

const missing = (shell: Shell): string | undefined => (spawnSync(shell, ['-c', 'true']).status === 0 ? undefined : `${shell} is not here`);
const skip = (shell: Shell) => missing(shell) ?? false;
const skipLive = (shell: Shell) => missing(shell) ?? noTerminal() ?? false;

test('candidates are lines of value and description, and none can be more than that', () => {
  assert.deepEqual(
    candidateLines([
      { value: 'run', description: 'run the\tpipeline\n' },
      { value: 'my stage' },
      { value: 'evil\nstage' },
      { value: 'evil\x1b[2J' },
      { value: '' },
    ]),
    ['run\trun the pipeline ', 'my stage'],
  );
});

const bashReplies = (line: string, words: readonly string[], candidates: readonly string[]) => {
  const { script, env, asked } = stand('bash', candidates);
  const program = `source "$1"; shift; COMP_LINE="$1"; COMP_POINT=\${#COMP_LINE}; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cion; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', program, 'bash', script, line, ...words], { env, encoding: 'utf8' });
  assert.equal(stderr, '');
  return { replies: stdout.split('\n').filter((reply) => reply !== ''), asked: asked() };
};

test('bash asks with the words so far and takes what begins with the last', { skip: skip('bash') }, () => {
  assert.deepEqual(bashReplies('cion ru', ['cion', 'ru'], ['run\tRuns', 'runs\tLists', 'show']), {
    replies: ['run', 'runs'],
    asked: '[ru]',
  });
  assert.deepEqual(bashReplies('cion logs 12 ', ['cion', 'logs', '12', ''], ['build', 'my stage']), {
    replies: ['build', 'my\\ stage'],
    asked: '[logs][12][]',
  });
  assert.deepEqual(bashReplies('cion', ['cion'], ['run']).replies, []);
});

test('bash puts together what it took apart at = and :', { skip: skip('bash') }, () => {
  assert.deepEqual(bashReplies('cion run --runtime=fa', ['cion', 'run', '--runtime', '=', 'fa'], ['--runtime=fake']), {
    replies: ['fake'],
    asked: '[run][--runtime=fa]',
  });
  assert.deepEqual(bashReplies('cion run --runtime=', ['cion', 'run', '--runtime', '='], ['--runtime=fake']), {
    replies: ['fake'],
    asked: '[run][--runtime=]',
  });
  assert.deepEqual(bashReplies('cion logs 1 a:b', ['cion', 'logs', '1', 'a', ':', 'b'], ['a:bc']), {
    replies: ['bc'],
    asked: '[logs][1][a:b]',
  });
});

test('bash understands quoted words', { skip: skip('bash') }, () => {
  assert.deepEqual(bashReplies('cion logs 1 "my s', ['cion', 'logs', '1', '"my s'], ['my stage']), {
    replies: ['my stage'],
    asked: '[logs][1][my s]',
  });
  assert.deepEqual(bashReplies('cion logs 1 my\\ s', ['cion', 'logs', '1', 'my\\ s'], ['my stage']), {
    replies: ['my\\ stage'],
    asked: '[logs][1][my s]',
  });
});

const shells: Readonly<Record<Shell, (dir: string, script: string) => string>> = {
  bash: (dir, script) => {
    writeFileSync(join(dir, 'rc'), `PS1='ready> '\nsource '${script}'\n`);
    return `exec bash --noprofile --rcfile '${dir}/rc' -i`;
  },
  zsh: (dir, script) => {
    writeFileSync(join(dir, '.zshrc'), `PS1='ready> '\nsource '${script}'\n`);
    return 'exec zsh -d -i';
  },
  fish: (dir, script) => {
    mkdirSync(join(dir, 'fish', 'generated_completions'), { recursive: true });
    return `exec fish -i -C "function fish_prompt; printf 'ready> '; end; set -g fish_greeting; source '${script}'"`;
  },
};

for (const [shell, start] of Object.entries(shells) as [Shell, (dir: string, script: string) => string][]) {
  const live = async (t: TestContext, candidates: readonly string[], keys: string, shown: RegExp): Promise<string> => {
    const { dir, script, env, asked } = stand(shell, candidates);
    writeFileSync(join(dir, 'a-file-of-mine'), '');
    const terminal = startTerminal(start(dir, script), { columns: 100, rows: 40, env, cwd: dir });
    t.signal.addEventListener('abort', terminal.end);
    try {
      await terminal.shows(/ready>/);
      terminal.type(keys);
      await terminal.shows(shown);
      return asked();
    } finally {
      terminal.end();
    }
  };

  test(`${shell} completes a command as it is typed`, { skip: skipLive(shell), timeout: 30_000 }, async (t) => {
    assert.equal(await live(t, ['resume\tGo on with a run'], 'cion resu\t--x\r', /RAN \[resume\] \[--x\]/), '[resu]');
  });

  test(`${shell} completes names with spaces and colons to one word`, { skip: skipLive(shell), timeout: 30_000 }, async (t) => {
    assert.equal(
      await live(t, ['my stage: unit\tof run 1'], 'cion logs 1 my\t\r', /RAN \[logs\] \[1\] \[my stage: unit\]/),
      '[logs][1][my]',
    );
  });

  test(`${shell} completes any name that a stage can have, also for dockercise (R-DCK-66)`, {
    skip: skipLive(shell),
    timeout: 120_000,
  }, async (t) => {
    for (const name of ['größe ☃', '雪-1', 'a$b`c', 'it\'s "so"', 'x & y; (z)', '[a]* 50%', '~tilde', 'a=b:c', '#1']) {
      const begun = /^[a-z雪]?/.exec(name)?.[0] ?? '';
      const ran = new RegExp(`RAN \\[run\\] \\[${name.replace(/[$.*+?()[\]]/g, '\\$&')}\\]`);
      await live(t, [name], `dockercise run ${begun}\t\r`, ran);
    }
  });

  test(`${shell} shows what could come next`, { skip: skipLive(shell), timeout: 30_000 }, async (t) => {
    await live(t, ['run\tRuns the pipeline', 'rerun\tRuns again', 'resume\tGoes on'], 'cion r\t\t', /rerun[^]*resume|resume[^]*rerun/);
  });

  test(`${shell} offers files where cion offers nothing`, { skip: skipLive(shell), timeout: 30_000 }, async (t) => {
    await live(t, [], 'cion run --env-file a-fi\t\r', /RAN \[run\] \[--env-file\] \[a-file-of-mine\]/);
  });
}
