import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from './engine/connect.ts';
import { findEndpoint } from './engine/endpoint.ts';
import { dockerImageFinder } from './find-image.ts';
import { publish } from './testing/published.ts';
import { whyNoRegistry, withRegistry } from './testing/registry.ts';

const skip = whyNoRegistry() ?? false;

test('an image is here, or in its registry, or nowhere, and what is only here is known for it', { skip }, (t) =>
  withRegistry({ login: false }, async ({ host }) => {
    const engine = await connect(findEndpoint(process.env), t.signal);
    const find = (name: string) => dockerImageFinder({ engine })(name, t.signal);
    const pulled = `${host}/team/app:1`;
    const made = `${host}/team/app:made`;
    try {
      await publish(engine, `${host}/team/app`, '1', randomBytes(100));
      assert.deepEqual(await find(pulled), { kind: 'registry' });
      assert.deepEqual(await find(`${host}/team/app:2`), { kind: 'missing' });
      assert.deepEqual(await find(`${host}/no/such`), { kind: 'missing' });
      assert.deepEqual(await find('UPPER'), { kind: 'missing' });
      for await (const _ of engine.progress('POST', '/images/create', { query: { fromImage: `${host}/team/app`, tag: '1' } }));
      assert.deepEqual(await find(pulled), { kind: 'here', fromRegistry: true });
      await engine.json('POST', `/images/busybox:latest/tag`, { query: { repo: `${host}/team/app`, tag: 'made' } });
      assert.deepEqual(await find(made), { kind: 'here', fromRegistry: false });
    } finally {
      for (const name of [pulled, made]) await engine.json('DELETE', `/images/${name}`).catch(() => undefined);
      await engine.close();
    }
  }),
);

test('a registry that is closed to this machine is told from one that does not answer (R-WRK-15)', { skip }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'cion-find-'));
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  assert.ok(typeof address === 'object' && address !== null);
  try {
    await withRegistry({ login: true }, async ({ host, user, password }) => {
      const engine = await connect(findEndpoint(process.env), t.signal);
      const find = (name: string, patienceMs?: number) =>
        dockerImageFinder({ engine, env: { DOCKER_CONFIG: directory }, ...(patienceMs && { patienceMs }) })(name, t.signal);
      const auth = (secret: string): string => Buffer.from(`${user}:${secret}`).toString('base64');
      const login = Buffer.from(JSON.stringify({ username: user, password, serveraddress: host })).toString('base64url');
      try {
        await publish(engine, `${host}/paid/search`, '1', randomBytes(100), `${login}${'='.repeat(-login.length & 3)}`);
        const as = (secret: string) =>
          writeFile(join(directory, 'config.json'), JSON.stringify({ auths: { [host]: { auth: auth(secret) } } }));
        await writeFile(join(directory, 'config.json'), '{}');
        assert.deepEqual(await find(`${host}/paid/search:1`), { kind: 'denied' });
        await as('wrong');
        assert.deepEqual(await find(`${host}/paid/search:1`), { kind: 'denied' });
        await as(password);
        assert.deepEqual(await find(`${host}/paid/search:1`), { kind: 'registry' });
        assert.deepEqual((await find(`127.0.0.1:${address.port}/x`, 300)).kind, 'unknown');
        assert.deepEqual((await find('127.0.0.1:1/x')).kind, 'unknown');
      } finally {
        await engine.close();
      }
    });
  } finally {
    silent.close();
    await rm(directory, { recursive: true });
  }
});
