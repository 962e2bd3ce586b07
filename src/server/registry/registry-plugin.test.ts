import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { connect } from '../../runtimes/docker/engine/connect.ts';
import { encodedLogin } from '../../runtimes/docker/engine/credentials.ts';
import { unlessGone } from '../../runtimes/docker/failures.ts';
import type { Engine } from '../../runtimes/docker/engine/engine.ts';
import { findEndpoint } from '../../runtimes/docker/engine/endpoint.ts';
import { freePort } from '../../runtimes/docker/testing/free-port.ts';
import { publish } from '../../runtimes/docker/testing/published.ts';
import { whyNoRegistry, withRegistry } from '../../runtimes/docker/testing/registry.ts';
import { testGuard } from '../testing/test-guard.ts';
import { testProject, testServer, type TestServer } from '../testing/test-server.ts';
import { registryIssuer, type RegistryTokens, registryTokens } from './registry-tokens.ts';
import { registryPlugin } from './registry-plugin.ts';
import { RegistryKeyError, registryKey } from './registry-key.ts';
import { makeSigning, type Signing } from './testing/signing.ts';

const skip = whyNoRegistry() ?? false;

describe('the token server of a registry', { skip }, () => {
  let signing: Signing;
  let server: TestServer;
  let engine: Engine;
  let tokens: RegistryTokens;
  let host: string;
  const guard = testGuard();

  before(async () => {
    signing = await makeSigning();
    host = `127.0.0.1:${await freePort()}`;
    tokens = registryTokens(signing.key, host, systemClock);
    const projects = new Map(['acme/shop', 'acme/open', 'Evil/Other'].map((name) => [name, testProject(name)]));
    const list = async () => [...projects.values()];
    const leases = new Set<string>();
    const held = {
      held: async ({ worker, item, token }: { worker: string; item: string; token: number }) => leases.has(`${worker} ${item} ${token}`),
    };
    leases.add('w1 run_1/build/1 7');
    const plugin = registryPlugin({ tokens, service: host, prefix: '', projects: { list }, leases: held, actorOf: guard.actorOf, guard });
    server = await testServer({ guard, actorOf: guard.actorOf, plugins: [plugin] });
    engine = await connect(findEndpoint(process.env), AbortSignal.timeout(30_000));
    guard.grant('writer', 'acme/shop', 'read', 'run');
    guard.grant('reader', 'acme/shop', 'read');
    guard.public.add('acme/open');
  });
  after(async () => {
    await engine?.close();
    await server?.close();
    await signing?.remove();
  });

  const token = () => ({
    realm: `${server.url}/api/registry/token`,
    service: host,
    issuer: registryIssuer,
    rootcertbundle: signing.certificate,
  });
  const basic = (user: string, password: string) => ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });
  const ask = async (scope: string, headers: Record<string, string> = {}) => {
    const url = new URL(`${server.url}/api/registry/token`);
    url.searchParams.set('service', host);
    for (const one of scope.split(' ')) url.searchParams.append('scope', one);
    const answer = await fetch(url, { headers });
    return { status: answer.status, body: (await answer.json()) as { readonly token: string; readonly code: string } };
  };
  const accessIn = ({ token }: { readonly token: string }) =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).access;
  const push = async (repository: string, password?: string): Promise<void> => {
    const auth = password === undefined ? 'e30=' : encodedLogin({ username: 'anything', password, serveraddress: host });
    try {
      await publish(engine, `${host}/${repository}`, '1', randomBytes(100), auth);
    } finally {
      await unlessGone(engine.json('DELETE', `/images/${host}/${repository}:1`));
    }
  };
  const manifest = async (repository: string, given?: string) => {
    const answer = await fetch(`http://${host}/v2/${repository}/manifests/1`, {
      headers: {
        accept: 'application/vnd.docker.distribution.manifest.v2+json',
        ...(given === undefined ? {} : { authorization: `Bearer ${given}` }),
      },
    });
    await answer.arrayBuffer();
    return answer.status;
  };

  it('lets push who may run the project, pull who may read it, and nobody else (R-WRK-54)', () =>
    withRegistry({ login: false, host, token: token() }, async () => {
      const denied = /denied|unauthorized|authentication required|insufficient/i;
      await push('acme/shop', 'account:writer');
      await push('acme/shop/api', 'account:writer');
      await assert.rejects(push('acme/shop', 'account:reader'), denied);
      await assert.rejects(push('evil/other', 'account:writer'), denied);
      await assert.rejects(push('none/such', 'admin:root'), denied);
      await assert.rejects(push('acme/open'), denied);
      await push('acme/open', 'admin:root');

      const scope = 'repository:acme/shop:pull';
      const reading = (await ask(scope, basic('x', 'account:reader'))).body;
      assert.equal(await manifest('acme/shop', reading.token), 200);
      assert.equal(await manifest('acme/shop/api', reading.token), 401);
      assert.equal(await manifest('acme/shop'), 401);
      assert.equal(await manifest('acme/shop', (await ask(scope)).body.token), 401);
      assert.equal(await manifest('acme/shop', (await ask(scope, basic('x', 'account:nobody'))).body.token), 401);
      assert.equal(await manifest('acme/open', (await ask('repository:acme/open:pull')).body.token), 200);

      const past = registryTokens(signing.key, host, { now: () => Date.now() - 600_000 });
      const rights = [{ repository: 'acme/shop', actions: ['pull'] }] as const;
      assert.equal(await manifest('acme/shop', (await past.access('writer', rights)).token), 401);
      const elsewhere = registryTokens(signing.key, 'another', systemClock);
      assert.equal(await manifest('acme/shop', (await elsewhere.access('writer', rights)).token), 401);
      const other = await makeSigning();
      const forged = registryTokens(other.key, host, systemClock);
      assert.equal(await manifest('acme/shop', (await forged.access('writer', rights)).token), 401);
      await other.remove();
      assert.equal(await manifest('acme/shop', (await tokens.access('writer', rights)).token), 200);
    }));

  it('notes what it refused to somebody with a name', async () => {
    guard.notes.length = 0;
    await ask('repository:acme/shop:pull,push', basic('x', 'account:reader'));
    await ask('repository:acme/shop:pull,push');
    assert.deepEqual(
      guard.notes.map(({ action, project, outcome, detail }) => ({ action, project, outcome, detail })),
      [{ action: 'registry.push', project: 'acme/shop', outcome: 'refused', detail: { repository: 'acme/shop' } }],
    );
  });

  it('refuses a password that is no token, and one of a worker; a cookie counts for nothing', async () => {
    for (const headers of [basic('x', 'wrong'), basic('x', ''), basic('x', 'worker:w1'), { authorization: 'Bearer account:writer' }]) {
      assert.equal((await ask('repository:acme/shop:pull', headers)).status, 401);
    }
    const { status, body } = await ask('repository:acme/shop:pull', { cookie: 'session=account:writer' });
    assert.deepEqual([status, accessIn(body)], [200, []]);
    assert.equal((await fetch(`${server.url}/api/registry/token?service=other`)).status, 400);
  });

  it('lets an attempt push to its own project while its lease is held, and pull what is public (R-WRK-54)', async () => {
    const ticket = { item: 'run_1/build/1', worker: 'w1', token: 7, project: 'acme/shop' };
    const all = 'repository:acme/shop:pull,push repository:acme/open:pull,push repository:evil/other:pull,push';
    const asked = await ask(all, basic('cion-job', await tokens.ticket(ticket)));
    assert.deepEqual(accessIn(asked.body), [
      { type: 'repository', name: 'acme/shop', actions: ['pull', 'push'] },
      { type: 'repository', name: 'acme/open', actions: ['pull'] },
    ]);
    const other = await makeSigning();
    await other.remove();
    const forged = registryTokens(other.key, host, systemClock);
    const access = (await tokens.access('x', [{ repository: 'acme/shop', actions: ['push'] }])).token;
    const bad = [
      await tokens.ticket({ ...ticket, token: 6 }),
      await tokens.ticket({ ...ticket, worker: 'w2' }),
      await forged.ticket(ticket),
      access,
      'x',
    ];
    for (const password of bad) assert.deepEqual((await ask(all, basic('cion-job', password))).body.code, 'REGISTRY_LOGIN_REFUSED');
    await withRegistry({ login: false, host, token: token() }, async () => {
      assert.equal(await manifest('acme/shop', await tokens.ticket(ticket)), 401);
    });
  });

  it('is told what is wrong with a key', async () => {
    await assert.rejects(makeSigning('-newkey', 'rsa:2048'), /no EC key on the curve P-256/);
    const other = await makeSigning();
    const key = signing.pem.slice(0, signing.pem.indexOf('-----BEGIN CERTIFICATE'));
    const certificate = other.pem.slice(other.pem.indexOf('-----BEGIN CERTIFICATE'));
    await other.remove();
    for (const [pem, text] of [
      [key, /has not a certificate/],
      [certificate, /has not a private key/],
      [key + certificate, /do not belong together/],
    ] as const) {
      assert.throws(
        () => registryKey(pem),
        (error) => error instanceof RegistryKeyError && text.test(error.message),
      );
    }
  });
});
