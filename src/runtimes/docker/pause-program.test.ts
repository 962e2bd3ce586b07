import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pauseProgram, probeArgument } from './pause-program.ts';

const skip = process.platform === 'linux' ? false : 'the program is for Linux';

const withProgram = async (use: (path: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'pause-'));
  try {
    const path = join(folder, 'pause');
    await writeFile(path, pauseProgram(process.arch), { mode: 0o755 });
    await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
};

test('port and address are an argument of letters', () => {
  assert.equal(probeArgument('10.0.0.255', 8080), 'bpjaakaaaapp');
});

test('the probe ends when the port is accepted', { skip }, () =>
  withProgram(async (path) => {
    const server = createServer((socket) => socket.destroy());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    server.close();
    await once(server, 'close');
    const probe = spawn(path, [probeArgument('127.0.0.1', address.port)]);
    const ended = once(probe, 'exit');
    await once(probe, 'spawn');
    assert.equal(probe.exitCode, null);
    server.listen(address.port, '127.0.0.1');
    assert.deepEqual(await ended, [0, null]);
    server.close();
  }),
);

test('without an argument it waits for ever', { skip }, () =>
  withProgram(async (path) => {
    const pause = spawn(path);
    const ended = once(pause, 'exit');
    await once(pause, 'spawn');
    assert.equal(pause.exitCode, null);
    pause.kill('SIGKILL');
    assert.deepEqual(await ended, [null, 'SIGKILL']);
  }),
);
