import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { cion } from './cli.ts';
import { directory as freshDirectory } from './repository.ts';
import { serverProcess } from './supervised-server.ts';

test('of two servers with one embedded database the second waits until the first is gone, ends when it is told to, and else takes over (atk-74)', {
  timeout: 180_000,
}, async (t) => {
  const directory = freshDirectory(t);
  const open = async () => {
    const server = await serverProcess({ directory, slots: 0 });
    t.after(() => server.kill());
    server.start();
    return server;
  };
  const first = await open();
  await first.wrote('cion serves at');
  const [second, third] = [await open(), await open()];
  await Promise.all([second, third].map((one) => one.wrote('another server has the database: waiting until it is gone')));
  assert.equal(await third.end(), 0);
  assert.equal(await first.end(), 0);
  await second.wrote('cion serves at');
  assert.equal((await fetch(`${second.url}/healthz`)).status, 200);
  assert.deepEqual([second.endedItself(), third.endedItself(), await second.end()], [[], [], 0]);
});

test('a server that is told of places that are none says so at once, before it makes a database or listens', async (t) => {
  const cwd = freshDirectory(t);
  const refused = async (...args: string[]): Promise<string> => {
    const { code, err } = await cion(['serve', '--data', 'data', '--listen', '127.0.0.1:0', '--slots', '0', ...args], { cwd });
    assert.equal(code, 2, err);
    assert.equal(existsSync(join(cwd, 'data')), false);
    return err;
  };
  assert.match(await refused('--results', 's3:/foo'), /"s3:\/foo" is no place for results\. \[USAGE\]/);
  assert.match(await refused('--metrics', 'nowhere'), /"nowhere" is no address to listen at\. \[USAGE\]/);
  assert.match(await refused('--registry', 'a b', '--registry-key', 'none.pem'), /"a b" is no registry\. \[USAGE\]/);
});

test('a server whose metrics have no free place ends, and listens no more', { timeout: 60_000 }, async (t) => {
  const cwd = freshDirectory(t);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const place = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  const told = await cion(['serve', '--data', 'data', '--listen', '127.0.0.1:0', '--slots', '0', '--metrics', place], { cwd });
  assert.equal(told.code, 2, told.err);
  assert.ok(told.err.includes(`cannot listen at ${place}: another program listens there. [LISTEN_REFUSED]`), told.err);
});
