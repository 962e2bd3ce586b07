import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { noTerminal, startTerminal } from '../src/cli/printers/testing/terminal.ts';
import { cion } from './cli.ts';
import { repository } from './repository.ts';

const launcher = fileURLToPath(new URL('../bin/cion', import.meta.url));

test('logs of all stages have headings on a terminal, and none elsewhere', { skip: noTerminal() ?? false }, async (t) => {
  const stage = (text: string) => ({ image: 'busybox', env: { FAKE_STDOUT: text } });
  const cwd = repository(t, { '.cion.yml': JSON.stringify({ build: stage('no newline'), test: stage(''), release: stage('released\n') }) });
  await cion(['run', '--runtime', 'fake'], { cwd });
  const onTerminal = async (command: string): Promise<string> => {
    const terminal = startTerminal(command, { columns: 80, rows: 20, cwd, env: { LAUNCHER: launcher, LC_ALL: 'C.UTF-8' } });
    await terminal.ended;
    return terminal.screen.history();
  };
  assert.match(await onTerminal('"$LAUNCHER" logs'), /── build\nno newline\n── release\nreleased$/);
  assert.equal(await onTerminal('"$LAUNCHER" logs 1 release'), 'released');
  assert.equal(await onTerminal('"$LAUNCHER" logs | cat'), (await cion(['logs'], { cwd })).out.trimEnd());
  assert.doesNotMatch((await cion(['logs'], { cwd })).out, /──/);
});
