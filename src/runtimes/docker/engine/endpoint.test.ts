import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Environment, Files } from './docker-config.ts';
import { type Endpoint, endpointName, findEndpoint } from './endpoint.ts';

const home = '/home/me';
const config = `${home}/.docker/config.json`;

const filesWith = (content: Readonly<Record<string, string>>): Files => ({
  home,
  read: (path) => content[path],
  exists: (path) => path in content,
});

const find = (env: Environment, content: Readonly<Record<string, string>> = {}, host?: string): Endpoint =>
  findEndpoint(env, { files: filesWith(content), ...(host === undefined ? {} : { host }) });

const context = (name: string, docker: object, pem: Readonly<Record<string, string>> = {}): Record<string, string> => {
  const id = createHash('sha256').update(name).digest('hex');
  const tls = Object.entries(pem).map(([file, text]) => [`${home}/.docker/contexts/tls/${id}/docker/${file}`, text]);
  return {
    [`${home}/.docker/contexts/meta/${id}/meta.json`]: JSON.stringify({ Name: name, Endpoints: { docker } }),
    ...Object.fromEntries(tls),
  };
};

const pem = { 'ca.pem': 'CA', 'cert.pem': 'CERT', 'key.pem': 'KEY' };
const tls = { ca: 'CA', cert: 'CERT', key: 'KEY', verify: true };

describe('the engine is looked for', () => {
  it('at the system socket when nothing is said', () => {
    assert.deepEqual(find({}), { kind: 'unix', path: '/var/run/docker.sock' });
  });

  it("at the user's own socket when there is no system socket", () => {
    const own = { '/run/user/7/docker.sock': '' };
    assert.deepEqual(find({ XDG_RUNTIME_DIR: '/run/user/7' }, own), { kind: 'unix', path: '/run/user/7/docker.sock' });
    assert.deepEqual(find({ XDG_RUNTIME_DIR: '/run/user/7' }, { ...own, '/var/run/docker.sock': '' }), {
      kind: 'unix',
      path: '/var/run/docker.sock',
    });
    assert.deepEqual(find({ XDG_RUNTIME_DIR: '/run/user/7' }), { kind: 'unix', path: '/var/run/docker.sock' });
  });

  it('at the current context, before which goes DOCKER_CONTEXT, before which goes DOCKER_HOST, before which goes the option', () => {
    const content = {
      [config]: JSON.stringify({ currentContext: 'build box' }),
      ...context('build box', { Host: 'ssh://ci@build' }),
      ...context('other', { Host: 'unix:///other.sock' }),
    };
    assert.deepEqual(find({}, content), { kind: 'ssh', host: 'build', user: 'ci' });
    assert.deepEqual(find({ DOCKER_CONTEXT: 'other' }, content), { kind: 'unix', path: '/other.sock' });
    assert.deepEqual(find({ DOCKER_CONTEXT: 'default' }, content), { kind: 'unix', path: '/var/run/docker.sock' });
    assert.deepEqual(find({ DOCKER_CONTEXT: 'other', DOCKER_HOST: 'unix:///host.sock' }, content), { kind: 'unix', path: '/host.sock' });
    assert.deepEqual(find({ DOCKER_HOST: 'unix:///host.sock' }, content, 'unix:///option.sock'), { kind: 'unix', path: '/option.sock' });
  });

  it('in the configuration that DOCKER_CONFIG names', () => {
    assert.throws(
      () => find({ DOCKER_CONFIG: '/etc/d' }, { '/etc/d/config.json': '{"currentContext":"x"}' }),
      /no Docker context "x" .*\/etc\/d\/contexts/,
    );
  });
});

describe('DOCKER_HOST', () => {
  const cases: readonly (readonly [string, Endpoint])[] = [
    ['tcp://10.0.0.1:99', { kind: 'tcp', host: '10.0.0.1', port: 99, basePath: '' }],
    ['tcp://build', { kind: 'tcp', host: 'build', port: 2375, basePath: '' }],
    ['tcp://:80', { kind: 'tcp', host: 'localhost', port: 80, basePath: '' }],
    ['tcp://', { kind: 'tcp', host: 'localhost', port: 2375, basePath: '' }],
    ['tcp://[::1]:2375', { kind: 'tcp', host: '::1', port: 2375, basePath: '' }],
    ['tcp://proxy:80/engines/1/', { kind: 'tcp', host: 'proxy', port: 80, basePath: '/engines/1' }],
    ['http://proxy', { kind: 'tcp', host: 'proxy', port: 80, basePath: '' }],
    ['https://proxy', { kind: 'tcp', host: 'proxy', port: 443, basePath: '', tls: { verify: true } }],
    ['ssh://box', { kind: 'ssh', host: 'box' }],
    ['ssh://me@box:2222/run/user/1/docker.sock', { kind: 'ssh', host: 'box', user: 'me', port: 2222, path: '/run/user/1/docker.sock' }],
    ['ssh://box/', { kind: 'ssh', host: 'box' }],
    ['unix:///with a space.sock', { kind: 'unix', path: '/with a space.sock' }],
  ];
  for (const [text, endpoint] of cases) it(`${text} is understood`, () => assert.deepEqual(find({ DOCKER_HOST: text }), endpoint));

  const bad: readonly (readonly [string, RegExp])[] = [
    ['docker.sock', /DOCKER_HOST is "docker.sock": it must begin with/],
    ['10.0.0.1:2375', /must begin with/],
    ['unix://relative', /absolute path/],
    ['npipe:////./pipe/docker', /npipe:\/\/ is not supported/],
    ['tcp://host:port', /takes a host and a port/],
    ['tcp://host:2375?x=1', /takes a host and a port/],
    ['ssh://', /ssh:\/\/ takes/],
    ['ssh://-oProxyCommand=touch%20x', /begins with a hyphen/],
    ['ssh://%2doProxyCommand=x', /begins with a hyphen/],
    ['ssh://-l@box', /begins with a hyphen/],
    ['ssh://box%00', /odd characters/],
    ['ssh://me%0a@box', /odd characters/],
    ['ssh://me@box:22222222', /ssh:\/\/ takes/],
  ];
  for (const [text, message] of bad) {
    it(`${text} is refused with the reason`, () =>
      assert.throws(() => find({ DOCKER_HOST: text }), { name: 'DockerConfigError', message }));
  }

  it('with a password in it is refused without showing it', () => {
    assert.throws(
      () => find({ DOCKER_HOST: 'ssh://me:secret@box' }),
      (error) => error instanceof Error && /password/.test(error.message) && !error.message.includes('secret'),
    );
  });
});

describe('TLS', () => {
  const host = { DOCKER_HOST: 'tcp://box' };

  it('is on with DOCKER_TLS_VERIFY, with the files of DOCKER_CERT_PATH', () => {
    const content = Object.fromEntries(Object.entries(pem).map(([file, text]) => [`/certs/${file}`, text]));
    const endpoint = find({ ...host, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' }, content);
    assert.deepEqual(endpoint, { kind: 'tcp', host: 'box', port: 2376, basePath: '', tls });
  });

  it('takes the files of the configuration without DOCKER_CERT_PATH', () => {
    const endpoint = find({ ...host, DOCKER_TLS_VERIFY: 'yes' }, { [`${home}/.docker/ca.pem`]: 'CA' });
    assert.deepEqual(endpoint, { kind: 'tcp', host: 'box', port: 2376, basePath: '', tls: { ca: 'CA', verify: true } });
  });

  it('without verification only when it is asked for', () => {
    assert.deepEqual(find({ ...host, DOCKER_TLS: '1' }), { kind: 'tcp', host: 'box', port: 2376, basePath: '', tls: { verify: false } });
    const both = find({ ...host, DOCKER_TLS: '1', DOCKER_TLS_VERIFY: '1' });
    assert.deepEqual(both, { kind: 'tcp', host: 'box', port: 2376, basePath: '', tls: { verify: true } });
  });

  it('with half of a client certificate, or with an empty directory, is refused', () => {
    const env = { ...host, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' };
    assert.throws(() => find(env, { '/certs/ca.pem': 'CA', '/certs/cert.pem': 'CERT' }), /only one is in \/certs/);
    assert.throws(() => find(env), /neither ca\.pem nor cert\.pem/);
  });

  it('is on for a context with certificates, and unverified when the context says so', () => {
    const env = { DOCKER_CONTEXT: 'prod' };
    assert.deepEqual(find(env, context('prod', { Host: 'tcp://p' }, pem)), { kind: 'tcp', host: 'p', port: 2376, basePath: '', tls });
    assert.deepEqual(find(env, context('prod', { Host: 'tcp://p' })), { kind: 'tcp', host: 'p', port: 2375, basePath: '' });
    const skipping = find(env, context('prod', { Host: 'tcp://p', SkipTLSVerify: true }));
    assert.deepEqual(skipping, { kind: 'tcp', host: 'p', port: 2376, basePath: '', tls: { verify: false } });
  });
});

describe('a Docker configuration', () => {
  it('that is no JSON is refused without showing what is in it', () => {
    assert.throws(
      () => find({}, { [config]: '{"auths":{"x":{"auth":"c2VjcmV0"' }),
      (error) => error instanceof Error && error.message === `${config} is not valid JSON` && error.cause === undefined,
    );
  });

  it('that names a context that is not there is refused with the name', () => {
    assert.throws(() => find({ DOCKER_CONTEXT: 'gone' }), /no Docker context "gone"/);
  });
});

describe('the name of an endpoint', () => {
  it('is what DOCKER_HOST would say', () => {
    for (const text of ['unix:///x.sock', 'tcp://box:1/base', 'tcp://[::1]:2375', 'ssh://me@box:22/x.sock', 'ssh://box']) {
      assert.equal(endpointName(find({ DOCKER_HOST: text })), text);
    }
  });
});
