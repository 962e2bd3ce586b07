import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { whyNoRegistry, withRegistry } from '../testing/registry.ts';
import { connect } from './connect.ts';
import { registryAuth, registryConfig } from './credentials.ts';
import type { Environment } from './docker-config.ts';
import { findEndpoint } from './endpoint.ts';
import { type ImageReference, parseImageReference } from '../../../plan/image-reference.ts';

const signal = AbortSignal.timeout(60_000);
const base64 = (text: string) => Buffer.from(text).toString('base64');

const imageOf = (reference: string): ImageReference => {
  const parsed = parseImageReference(reference);
  assert.ok(parsed.ok);
  return parsed.image;
};

describe('the login for a registry', () => {
  let directory: string;
  let env: Environment;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cion-credentials-'));
    env = { DOCKER_CONFIG: directory, PATH: `${directory}:${process.env.PATH}` };
    await helper('good', `read -r server; printf '{"ServerURL":"%s","Username":"me","Secret":"from helper for %s"}' "$server" "$server"`);
    await helper('token', `printf '{"Username":"<token>","Secret":"identity"}'`);
    await helper('empty', `echo 'credentials not found in native keychain'; exit 1`);
    await helper('broken', `echo 's3cret'; echo 's3cret' >&2; exit 1`);
    await helper('garbled', `echo 's3cret {'`);
  });
  after(() => rm(directory, { recursive: true }));

  const helper = async (name: string, script: string) => {
    const path = join(directory, `docker-credential-${name}`);
    await writeFile(path, `#!/bin/sh\n[ "$1" = get ] || exit 2\n${script}\n`);
    await chmod(path, 0o755);
  };

  const login = async (config: object, reference: string): Promise<unknown> => {
    await writeFile(join(directory, 'config.json'), JSON.stringify(config));
    const header = await registryAuth(imageOf(reference), env, { signal });
    if (header === undefined) return undefined;
    assert.match(header, /^[\w-]+=*$/);
    assert.equal(header.length % 4, 0);
    return JSON.parse(Buffer.from(header, 'base64url').toString());
  };

  it('is each that can be read, by server, for a build', async () => {
    const auths = { 'https://index.docker.io/v1/': { auth: base64('me:hub') }, 'example.com:5000': { auth: base64('me:own') } };
    const credHelpers = { 'helped.example': 'good', 'broken.example': 'broken', 'empty.example': 'empty' };
    await writeFile(join(directory, 'config.json'), JSON.stringify({ auths, credHelpers }));
    const logins: unknown = JSON.parse(Buffer.from(await registryConfig(env, { signal }), 'base64url').toString());
    assert.deepEqual(logins, {
      'https://index.docker.io/v1/': { username: 'me', password: 'hub', serveraddress: 'https://index.docker.io/v1/' },
      'example.com:5000': { username: 'me', password: 'own', serveraddress: 'example.com:5000' },
      'helped.example': { username: 'me', password: 'from helper for helped.example', serveraddress: 'helped.example' },
    });
  });

  it('is none where nothing is configured', async () => {
    assert.equal(await login({}, 'busybox'), undefined);
    assert.equal(await login({ auths: { 'other.example': { auth: base64('a:b') } } }, 'example.com/x'), undefined);
    assert.equal(await login({ auths: { 'example.com': {} } }, 'example.com/x'), undefined);
  });

  it('is the one in the configuration, for a host with its port, an address of old, and Docker Hub', async () => {
    const auth = base64('me:pass:word?>ü');
    const expected = (serveraddress: string) => ({ username: 'me', password: 'pass:word?>ü', serveraddress });
    assert.deepEqual(await login({ auths: { 'localhost:5000': { auth } } }, 'localhost:5000/x'), expected('localhost:5000'));
    assert.equal(await login({ auths: { 'localhost:5000': { auth } } }, 'localhost:5001/x'), undefined);
    assert.deepEqual(await login({ auths: { 'https://example.com/v1/': { auth } } }, 'example.com/x'), expected('example.com'));
    assert.deepEqual(await login({ auths: { 'https://index.docker.io/v1/': { auth } } }, 'a/b'), expected('https://index.docker.io/v1/'));
  });

  it('may be a token', async () => {
    assert.deepEqual(await login({ auths: { 'example.com': { auth: base64('me:'), identitytoken: 'it' } } }, 'example.com/x'), {
      identitytoken: 'it',
      serveraddress: 'example.com',
    });
    assert.deepEqual(await login({ auths: { 'example.com': { registrytoken: 'rt' } } }, 'example.com/x'), {
      registrytoken: 'rt',
      serveraddress: 'example.com',
    });
  });

  it("comes from the registry's own helper before the store for all", async () => {
    const config = { credsStore: 'token', credHelpers: { 'example.com': 'good' } };
    assert.deepEqual(await login(config, 'example.com/x'), {
      username: 'me',
      password: 'from helper for example.com',
      serveraddress: 'example.com',
    });
    assert.deepEqual(await login(config, 'busybox'), { identitytoken: 'identity', serveraddress: 'https://index.docker.io/v1/' });
  });

  it('is the one in the configuration, or none, where the helper has none', async () => {
    assert.equal(await login({ credsStore: 'empty' }, 'busybox'), undefined);
    const stored = { credsStore: 'empty', auths: { 'example.com': { auth: base64('a:b') } } };
    assert.deepEqual(await login(stored, 'example.com/x'), { username: 'a', password: 'b', serveraddress: 'example.com' });
  });

  it('that cannot be had is an error that shows nothing of it', async () => {
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ credsStore: 'broken' }, /^the credential helper docker-credential-broken failed for example\.com$/],
      [{ credsStore: 'garbled' }, /^the answer of docker-credential-garbled is not valid JSON$/],
      [{ credsStore: 'not-there' }, /^the credential helper docker-credential-not-there is not installed$/],
      [{ credsStore: '../evil' }, /^"\.\.\/evil" is no name of a credential helper$/],
      [{ auths: { 'example.com': { auth: base64('s3cret') } } }, /no user and password$/],
    ];
    for (const [config, message] of cases) {
      await assert.rejects(login(config, 'example.com/x'), (error) => {
        assert.ok(error instanceof Error);
        assert.equal(error.name, 'DockerConfigError');
        assert.match(error.message, message);
        assert.doesNotMatch(`${error.stack}${String(error.cause)}`, /s3cret|czNjcmV0/);
        return true;
      });
    }
  });

  it('opens a private registry, by tag and by digest, which stays closed without it (R-CIO-26)', { skip: whyNoRegistry() ?? false }, () =>
    withRegistry({ login: true }, async ({ host, user, password }) => {
      const engine = await connect(findEndpoint(process.env), signal);
      const image = imageOf(`${host}/team/app:v1`);
      const repository = `${host}/team/app`;
      try {
        await engine.json('POST', '/images/busybox:latest/tag', { query: { repo: repository, tag: 'v1' } });
        await writeFile(join(directory, 'config.json'), JSON.stringify({ auths: { [host]: { auth: base64(`${user}:${password}`) } } }));
        const auth = await registryAuth(image, env, { signal });
        assert.ok(auth !== undefined);

        const push = (header: string) =>
          all(engine.progress('POST', `/images/${repository}/push`, { query: { tag: 'v1' }, headers: { 'x-registry-auth': header } }));
        await assert.rejects(push('e30='), { name: 'EngineError', code: 'refused', message: /no basic auth credentials/ });
        const digest = JSON.stringify(await push(auth)).match(/sha256:[0-9a-f]{64}(?=[^{}]*"Size")/)?.[0];
        assert.ok(digest !== undefined);

        const pull = (tag: string, headers: Record<string, string>) =>
          all(engine.progress('POST', '/images/create', { query: { fromImage: repository, tag }, headers }));
        await assert.rejects(pull('v1', {}), { name: 'EngineError', code: 'refused', message: /no basic auth credentials/ });
        for (const tag of ['v1', digest]) assert.ok((await pull(tag, { 'x-registry-auth': auth })).length > 0);
      } finally {
        await engine.json('DELETE', `/images/${repository}:v1`);
        await engine.close();
      }
    }),
  );
});

const all = async (messages: AsyncIterable<object>): Promise<object[]> => {
  const list: object[] = [];
  for await (const message of messages) list.push(message);
  return list;
};
