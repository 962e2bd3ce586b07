import assert from 'node:assert/strict';
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
  await third.end();
  assert.equal(await first.end(), 0);
  await second.wrote('cion serves at');
  assert.equal((await fetch(`${second.url}/healthz`)).status, 200);
  assert.deepEqual([second.endedItself(), third.endedItself(), await second.end()], [[], [], 0]);
});

test('a server whose results have no place ends at once, though its database is open already', { timeout: 180_000 }, async (t) => {
  const cwd = freshDirectory(t);
  const told = await cion(['serve', '--data', 'data', '--listen', '127.0.0.1:0', '--slots', '0', '--results', 's3:/foo'], { cwd });
  assert.deepEqual([told.code, /"s3:\/foo" is no place for results\. \[USAGE\]/.test(told.err)], [2, true], told.err);
});
