import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { canInstall, install } from '../scripts/setup/debian.mjs';
import { withLock } from '../scripts/setup/lock.mjs';
import { root } from '../scripts/setup/root.mjs';
import { type Shell, shells } from '../src/cli/printers/completion.ts';
import { noTerminal, startTerminal } from '../src/cli/printers/testing/terminal.ts';
import { programPath } from '../src/runtimes/docker/testing/program-path.ts';
import { cion } from './cli.ts';
import { directory, repository } from './repository.ts';

/** The real shells ask the real command line; what is typed is then shown and not carried out. */
before(async () => {
  const missing = shells.filter((shell) => programPath(shell) === undefined);
  if (missing.length === 0 || !canInstall()) return;
  await withLock(
    'cion-test-shells',
    () => undefined,
    () => install(() => undefined, ...missing).catch(() => undefined),
  );
});

const config = {
  stages: Object.fromEntries(['unit-tests', 'unit_docs', 'package'].map((name) => [name, { image: 'busybox:latest', cmd: 'true' }])),
};

const commands = (t: TestContext): string => {
  const folder = directory(t);
  for (const name of ['cion', 'dockercise']) {
    const launcher = join(root, 'bin', name);
    const script = `#!/bin/sh\nif [ "$1" = complete ]; then exec '${launcher}' "$@"; fi\nprintf RAN; printf ' [%s]' "$@"; echo\n`;
    writeFileSync(join(folder, name), script, { mode: 0o755 });
  }
  return folder;
};

const interactive: Readonly<Record<Shell, (home: string, load: string) => string>> = {
  bash: (home, load) => {
    writeFileSync(join(home, 'rc'), `PS1='ready> '\n${load}\n`);
    return `exec bash --noprofile --rcfile '${home}/rc' -i`;
  },
  zsh: (home, load) => {
    writeFileSync(join(home, '.zshrc'), `PS1='ready> '\n${load}\n`);
    return 'exec zsh -d -i';
  },
  fish: (home, load) => {
    mkdirSync(join(home, 'fish', 'generated_completions'), { recursive: true });
    writeFileSync(join(home, 'fish', 'config.fish'), `function fish_prompt; printf 'ready> '; end; set -g fish_greeting\n${load}\n`);
    return 'exec fish -i';
  },
};

for (const shell of shells) {
  test(`${shell} completes commands, flags, values, runs and stages of cion, and commands of dockercise (R-DCK-66)`, {
    timeout: 400_000,
  }, async (t) => {
    const reason = noTerminal() ?? (programPath(shell) === undefined ? `${shell} is not here` : undefined);
    if (reason !== undefined) return t.skip(reason);
    const project = repository(t, { '.cion.yml': JSON.stringify(config) });
    const first = await cion(['run', '--runtime', 'fake', 'package'], { cwd: project });
    const second = await cion(['run', '--runtime', 'fake', 'unit-tests'], { cwd: project });
    assert.deepEqual([first.code, second.code], [0, 0], first.err + second.err);
    const [id] = (await cion(['runs', '--json'], { cwd: project })).out.match(/run_[0-9a-z]+/i) ?? [];
    assert.ok(id !== undefined);

    const home = directory(t);
    const script = (await cion(['completion', shell], { cwd: project })).out;
    writeFileSync(join(home, 'completion'), script);
    const folder = commands(t);
    const env = {
      ...process.env,
      PATH: `${folder}:${process.env.PATH}`,
      LC_ALL: 'C.UTF-8',
      HOME: home,
      ZDOTDIR: home,
      XDG_CONFIG_HOME: home,
      XDG_DATA_HOME: home,
    };
    const terminal = startTerminal(interactive[shell](home, `source '${home}/completion'`), { columns: 120, rows: 50, env, cwd: project });
    t.signal.addEventListener('abort', terminal.end);
    t.after(terminal.end);
    await terminal.shows(/ready>/);
    const typed = async (keys: string, ...words: readonly string[]): Promise<void> => {
      terminal.type(keys);
      await terminal.shows(new RegExp(`RAN ${words.map((word) => `\\[${word}\\]`).join(' ')}\\s`));
    };
    await typed('cion art\t-1\r', 'artifacts', '-1');
    await typed('cion run --allow-priv\tx\r', 'run', '--allow-privileged', 'x');
    await typed('cion run --runtime fa\ty\r', 'run', '--runtime', 'fake', 'y');
    await typed('cion run unit-\t--plain\r', 'run', 'unit-tests', '--plain');
    await typed('cion plan unit_\tz\r', 'plan', 'unit_docs', 'z');
    await typed('cion logs 1 pa\t-f\r', 'logs', '1', 'package', '-f');
    await typed(`cion show ${id.slice(0, -3)}\t--json\r`, 'show', id, '--json');
    await typed('dockercise deploym\t--at\r', 'deployments', '--at');
    await typed('dockercise run --keep\tz\r', 'run', '--keep-going', 'z');
    terminal.type('cion logs \t\t');
    await terminal.shows(/\b2\b[^]*passed|\b1\b\s+2\b|2\s+1\b/);
  });
}
