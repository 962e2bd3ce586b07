import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busyboxFiles } from '../scripts/setup/busybox.mjs';
import { chosenEngine, defaultSocket } from '../scripts/setup/engine-address.mjs';
import { engineAt } from '../scripts/setup/engine-api.mjs';

test("an image made of this machine's own busybox runs a shell, knows its users and has a place for files", async (t) => {
  const engine = engineAt(chosenEngine()?.host ?? `unix://${defaultSocket}`);
  const image = `cion-test/busybox-${process.pid}:1`;
  const query = new URLSearchParams({ fromSrc: '-', repo: image.slice(0, -2), tag: '1', changes: 'CMD ["sh"]' });
  const made = await engine.request('POST', `/images/create?${query.toString()}`, { body: await busyboxFiles(() => undefined) });
  t.after(() => engine.request('DELETE', `/images/${image}?force=1`));
  assert.equal(made.status, 200, made.text);

  const script = 'set -e; id -un; /bin/echo hi > /tmp/a; /usr/bin/env | grep -c PATH; /sbin/ip addr >/dev/null; wc -c < /tmp/a';
  const json = {
    type: 'application/json',
    body: Buffer.from(JSON.stringify({ Image: image, User: 'nobody', Tty: true, Cmd: ['sh', '-c', script] })),
  };
  const { Id } = JSON.parse((await engine.request('POST', '/containers/create', json)).text) as { readonly Id: string };
  await engine.request('POST', `/containers/${Id}/start`);
  const exit = await engine.request('POST', `/containers/${Id}/wait`);
  const log = await engine.request('GET', `/containers/${Id}/logs?stdout=1&stderr=1`);
  await engine.request('DELETE', `/containers/${Id}?force=1`);
  assert.deepEqual(log.text.split('\r\n'), ['nobody', '1', '3', '']);
  assert.match(exit.text, /"StatusCode":0/);
});
