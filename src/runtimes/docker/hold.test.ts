import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { letGo, neverLetGo, passesExec, passesShell, wrapper } from './hold.ts';

/** What images have as `sh`. */
const shells = [
  ['dash', []],
  ['bash', ['--posix']],
  ['busybox', ['sh']],
] as const;

const nonce = '0123456789abcdef';
const env = { PATH: '/usr/bin:/bin', KNOWN: 'k', HOME: '/h' };

const held = async (shell: string, args: readonly string[], stdin: string, argv: readonly string[]) => {
  const child = spawn(shell, [...args, '-c', wrapper(nonce), 'cion', ...argv], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(stdin);
  const collected = async (stream: NodeJS.ReadableStream): Promise<string> => {
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) text += chunk;
    return text;
  };
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [stdout, stderr, code] = await Promise.all([collected(child.stdout), collected(child.stderr), exit]);
  return { stdout, stderr, code };
};

for (const [shell, args] of shells) {
  const skip = spawnSync(shell, ['--help']).error === undefined ? false : `${shell} is not installed`;

  test(`${shell} becomes the command with exactly the given environment`, { skip }, async () => {
    const late = { LATE: ` it's\n"$HOME" \`x\` \\n\n\nü=漢 `, EMPTY: '', LAST: 'l\n' };
    const { stdout, code } = await held(shell, args, letGo(nonce, late), ['cat', '/proc/self/environ']);
    assert.equal(code, 0);
    const seen = Object.fromEntries(
      stdout
        .split('\0')
        .filter((entry) => entry !== '')
        .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    );
    assert.deepEqual(seen, { ...env, ...late });
  });

  test(`${shell} hands on arguments as they are, and nothing on stdin`, { skip }, async () => {
    const words = ['', "it's", '$HOME', 'a\nb', '*', '-n', '\\'];
    const { stdout } = await held(shell, args, `${letGo(nonce, {})}not for the command\n`, ['printf', '<%s>', ...words]);
    assert.equal(stdout, words.map((word) => `<${word}>`).join(''));
    assert.equal((await held(shell, args, `${letGo(nonce, {})}not for the command\n`, ['cat'])).stdout, '');
  });

  test(`${shell} lets nothing go without the nonce, and says so`, { skip }, async () => {
    for (const stdin of ['', "export A='b'\n", letGo(nonce, { A: 'b' }).slice(0, -2)]) {
      const { stdout, code } = await held(shell, args, stdin, ['echo', 'ran']);
      assert.equal(stdout, neverLetGo.text(nonce));
      assert.equal(code, neverLetGo.exitCode);
    }
  });

  test(`${shell} says 127 for a command that is not there`, { skip }, async () => {
    const { code, stderr } = await held(shell, args, letGo(nonce, {}), ['no-such-command']);
    assert.equal(code, 127);
    assert.match(stderr, /no-such-command/);
  });
}

test('names that shells change or do not hand on do not pass', () => {
  for (const name of ['A', '_A', 'path', 'HOSTNAME', 'CI', 'UIDS']) assert.equal(passesShell(name), true, name);
  for (const name of ['', '1A', 'a.b', 'a-b', 'UID', 'IFS', 'PWD', '_', 'BASH_ENV', 'LD_PRELOAD', '__cion_x']) {
    assert.equal(passesShell(name), false, name);
  }
});

test('commands that exec would take for something else do not pass', () => {
  for (const argv of [['sh'], ['/bin/a b'], ['a', '-x', 'b=c']]) assert.equal(passesExec(argv), true, argv.join(' '));
  for (const argv of [[], [''], ['-x'], ['a=b']]) assert.equal(passesExec(argv), false, argv.join(' '));
});
