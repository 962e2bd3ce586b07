import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { cion, startCion } from './cli.ts';
import { directory } from './repository.ts';

const offline = { CION_RUNTIME: 'fake' };

type After = { after(undo: () => void): void };

/** A server of the command line at a port that the machine chooses. */
const serving = async (t: After, cwd: string, more: readonly string[] = []) => {
  const running = startCion(['serve', '--data', join(cwd, 'data'), '--listen', '127.0.0.1:0', '--slots', '0', ...more], {
    cwd,
    env: offline,
  });
  t.after(() => void running.process.kill('SIGKILL'));
  let said = '';
  running.process.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await running.wrote('cion serves at ');
  const url = /cion serves at (\S+)/.exec(said)?.[1] ?? '';
  const stop = async (): Promise<number | null> => {
    running.process.kill('SIGTERM');
    return (await running.ended).code;
  };
  return { url, stop, setup: async () => (await running.wrote('become it: '), /become it: (\S+)/.exec(said)?.[1] ?? '') };
};

const post = (url: string, body: object) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', 'x-cion': '1' }, body: JSON.stringify(body) });

test('a server goes on from its backup in another place, with its key alone; a changed one is refused (atk-40, atk-86)', async (t) => {
  const cwd = directory(t);
  const first = await serving(t, cwd);
  const made = await post(`${first.url}/api/auth/setup`, { token: await first.setup(), name: 'ada', password: 'correct horse battery' });
  assert.ok(made.ok, await made.text());
  const busy = await cion(['backup', '--data', 'data', '--to', 'backup.tar'], { cwd });
  assert.equal(busy.code, 3);
  assert.match(busy.err, /STORE_LOCKED/);
  assert.equal(await first.stop(), 0);

  const { code, out, err } = await cion(['backup', '--data', 'data', '--to', 'backup.tar'], { cwd });
  assert.equal(code, 0, err);
  assert.match(out, /key of the server is not in it/);
  const key = readFileSync(join(cwd, 'data', 'server.key'), 'utf8').trim();
  assert.equal(readFileSync(join(cwd, 'backup.tar')).includes(key), false);
  assert.equal(statSync(join(cwd, 'data')).mode & 0o777, 0o700);

  writeFileSync(join(cwd, 'other.key'), `${Buffer.alloc(32, 1).toString('base64')}\n`, { mode: 0o600 });
  const restore = (from: string, data: string, keyFile: string) =>
    cion(['restore', '--from', from, '--data', data, '--key-file', keyFile], { cwd });
  const strange = await restore('backup.tar', 'new', 'other.key');
  assert.deepEqual([strange.code, /BACKUP_KEY/.test(strange.err), existsSync(join(cwd, 'new'))], [3, true, false]);
  const bytes = readFileSync(join(cwd, 'backup.tar'));
  writeFileSync(join(cwd, 'short.tar'), bytes.subarray(0, bytes.length / 2));
  const short = await restore('short.tar', 'new', 'data/server.key');
  assert.deepEqual([short.code, /BACKUP_DAMAGED/.test(short.err), existsSync(join(cwd, 'new'))], [3, true, false]);

  const place = join(cwd, 'place');
  const good = await restore('backup.tar', 'place/data', 'data/server.key');
  assert.equal(good.code, 0, good.err);
  const keyless = await cion(['serve', '--data', 'place/data', '--listen', '127.0.0.1:0', '--slots', '0'], { cwd, env: offline });
  assert.match(keyless.err, /SERVER_KEY_MISSING/);
  copyFileSync(join(cwd, 'data', 'server.key'), join(place, 'data', 'server.key'));
  chmodSync(join(place, 'data', 'server.key'), 0o600);
  const second = await serving(t, place);
  const login = await post(`${second.url}/api/auth/login`, { name: 'ada', password: 'correct horse battery' });
  assert.ok(login.ok, await login.text());
  assert.equal(await second.stop(), 0);
});

test('a worker that is asked to end while its engine does not answer ends', async (t) => {
  const cwd = directory(t);
  const asked = Promise.withResolvers<void>();
  const silent = createServer(() => asked.resolve()).listen(0, '127.0.0.1');
  t.after(() => silent.close());
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const { process, ended } = startCion(['work', '--server', 'http://127.0.0.1:1', '--state-dir', 'state'], {
    cwd,
    env: { CION_WORKER_TOKEN: 'cion_worker_none', DOCKER_HOST: `tcp://127.0.0.1:${port}` },
  });
  await asked.promise;
  process.kill('SIGTERM');
  const { code, stderr } = await ended;
  assert.deepEqual([code, /UNEXPECTED/.test(stderr.toString())], [0, false], stderr.toString());
});

test('a server refuses the network without TLS, a data directory that is no directory and a proxy that is none (atk-87)', async (t) => {
  const cwd = directory(t);
  writeFileSync(join(cwd, 'file'), '');
  const serve = async (...args: readonly string[]) => {
    const { code, err } = await cion(['serve', '--data', 'data', '--slots', '0', ...args], { cwd, env: offline });
    return [code, /\[([A-Z_]+)\]/.exec(err)?.[1]];
  };
  assert.deepEqual(await serve('--listen', '0.0.0.0:0'), [2, 'SERVER_IN_THE_CLEAR']);
  assert.deepEqual(await serve('--listen', '[::]:0', '--url', 'http://ci.example'), [2, 'SERVER_IN_THE_CLEAR']);
  assert.deepEqual(await serve('--listen', '127.0.0.1:0', '--proxy', 'everybody'), [2, 'USAGE']);
  assert.deepEqual(await serve('--listen', '127.0.0.1:0', '--proxy', '0.0.0.0/0'), [2, 'USAGE']);
  assert.deepEqual(await serve('--listen', '127.0.0.1:0', '--data', 'file'), [2, 'SERVER_DATA_EXPOSED']);
  const meant = await serving(t, cwd, ['--listen', '0.0.0.0:0', '--url', 'https://ci.example']);
  assert.equal(meant.url, 'https://ci.example');
  assert.equal(await meant.stop(), 0);
});

test('an address of a server, an allowed address and a label that are none are refused with a hint, before anything is made', async (t) => {
  const cwd = directory(t);
  for (const [args, said] of [
    [['--url', 'ftp://x'], /--url "ftp:\/\/x" is no address of a server\. \[USAGE\]\n.*https:\/\/host/],
    [['--allow-address', '10.0.0.0/99'], /"10\.0\.0\.0\/99" cannot be allowed.*\[USAGE\]\n.*10\.1\.0\.0\/16/],
    [['--allow-address', '10.0.0.1', '--allow-address', '???'], /"\?\?\?" cannot be allowed.*\[USAGE\]\n.*hooks\.intern/],
    [['--label', 'a b'], /'--label <label>' argument 'a b' is invalid\..*no spaces/],
  ] as const) {
    const { code, err } = await cion(['serve', '--data', 'data', '--listen', '127.0.0.1:0', '--slots', '0', ...args], {
      cwd,
      env: offline,
    });
    assert.equal(code, 2, err);
    assert.match(err, said);
  }
  const labelled = await cion(['work', '--server', 'http://127.0.0.1:1'], { cwd, env: { ...offline, CION_LABEL: 'arm64, big disk' } });
  assert.deepEqual([labelled.code, /CION_LABEL is "arm64, big disk".*\[USAGE\]/.test(labelled.err)], [2, true], labelled.err);
  assert.equal(existsSync(join(cwd, 'data')), false);
});
