import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { noTerminal, startTerminal } from '../src/cli/printers/testing/terminal.ts';
import { cion } from './cli.ts';
import { repository } from './repository.ts';

const launcher = fileURLToPath(new URL('../bin/cion', import.meta.url));
const skip = noTerminal() ?? false;

const begin = (t: TestContext, command = '"$LAUNCHER" run --runtime fake') => {
  const text = { ok: { gate: 'person' }, deploy: { image: 'busybox', needs: 'ok' } };
  const cwd = repository(t, { '.cion.yml': JSON.stringify({ stages: text }) });
  const options = { columns: 90, rows: 20, cwd, env: { LAUNCHER: launcher, LC_ALL: 'C.UTF-8' } };
  const terminal = startTerminal(`${command}; echo "exit $?"; stty -a | grep -o '.icanon' | head -1`, options);
  t.after(() => terminal.end());
  return { cwd, terminal };
};

const question = /◇ ok waits for a person: \[a\]pprove, \[r\]eject/;

/** Keys are not taken in the first moment of a question: type until it is answered. */
const typeUntil = async (terminal: ReturnType<typeof startTerminal>, key: string, pattern: RegExp): Promise<void> => {
  const timer = setInterval(() => terminal.type(key), 200);
  await terminal.shows(pattern).finally(() => clearInterval(timer));
};

test('on a terminal a key approves or rejects, and the terminal is as it was afterwards (R-DCO-37)', { skip }, async (t) => {
  for (const [key, said, exit] of [
    ['a', /✓ ok +Approved by/, 0],
    ['r', /✗ ok +Rejected by/, 1],
  ] as const) {
    const { terminal } = begin(t);
    await terminal.shows(question);
    await typeUntil(terminal, key, said);
    await terminal.ended;
    assert.match(terminal.screen.history(), new RegExp(`exit ${exit}\\n icanon`));
    assert.doesNotMatch(terminal.screen.history(), question);
  }
});

test('answered from another terminal, the question goes away', { skip }, async (t) => {
  const { cwd, terminal } = begin(t);
  await terminal.shows(question);
  assert.equal((await cion(['approve', 'ok', '--by', 'bob'], { cwd })).code, 0);
  await terminal.ended;
  assert.match(terminal.screen.history(), /✓ ok +Approved by bob/);
  assert.match(terminal.screen.history(), /exit 0\n icanon/);
});

test('Ctrl-C cancels the run also while it asks', { skip }, async (t) => {
  const { terminal } = begin(t);
  await terminal.shows(question);
  terminal.type('\x03');
  await terminal.ended;
  assert.match(terminal.screen.history(), /exit 130\n icanon/);
});

test('without a keyboard a run on a terminal says how to answer', { skip }, async (t) => {
  const { cwd, terminal } = begin(t, '"$LAUNCHER" run --runtime fake </dev/null');
  await terminal.shows(/Waits for somebody to approve it \(cion approve 1 ok\)/);
  assert.doesNotMatch(terminal.screen.history(), question);
  assert.equal((await cion(['reject', 'ok'], { cwd })).code, 0);
  await terminal.ended;
  assert.match(terminal.screen.history(), /exit 1\n/);
});

test('a run in the background of a terminal is not stopped by its gate, and says how to answer', { skip }, async (t) => {
  const { cwd, terminal } = begin(t, 'set -m; "$LAUNCHER" run --runtime fake & wait $!');
  await terminal.shows(/Waits for somebody to approve it \(cion approve 1 ok\)/);
  assert.equal((await cion(['approve', 'ok'], { cwd })).code, 0);
  await terminal.ended;
  assert.doesNotMatch(terminal.screen.history(), question);
  assert.match(terminal.screen.history(), /exit 0\n/);
});
