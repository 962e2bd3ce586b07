import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer as httpServer, request as httpRequest, type RequestListener } from 'node:http';
import { createServer as httpsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { authorityIn } from './certificates.ts';
import { cion, startCion } from './cli.ts';
import { reachable } from './reachable.ts';
import { directory, repository } from './repository.ts';
import { type ServerProcess, startServer } from './server-process.ts';

let server: ServerProcess;
let authority: ReturnType<typeof authorityIn>;
const undo: (() => void)[] = [];
before(async () => {
  authority = authorityIn(directory({ after: (one) => void undo.push(one as () => void) }));
  server = await startServer({ args: ['--slots', '0'] });
});
after(async () => {
  await server.close();
  for (const one of undo) one();
});

/** Who ends the TLS before the server, or pretends to: all that it was sent comes by `heard`. */
const tlsBefore = async (t: TestContext, tls: ServerOptions | undefined, answer?: RequestListener) => {
  const heard: string[] = [];
  const pass: RequestListener = (near, reply) => {
    heard.push(`${near.method} ${near.url} ${JSON.stringify(near.headers)}`);
    if (answer !== undefined) return answer(near, reply);
    const far = httpRequest(new URL(near.url ?? '', server.url), { method: near.method, headers: near.headers, agent: false }, (said) => {
      reply.writeHead(said.statusCode ?? 502, said.headers);
      said.pipe(reply);
    });
    far.on('error', () => reply.destroy());
    near.pipe(far);
  };
  const listening = tls === undefined ? httpServer(pass) : httpsServer(tls, pass);
  listening.on('tlsClientError', () => {});
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  t.after(() => {
    listening.closeAllConnections();
    listening.close();
  });
  const { port } = listening.address() as AddressInfo;
  return { url: `${tls === undefined ? 'http' : 'https'}://localhost:${port}`, heard };
};

const home = (t: TestContext): Record<string, string> => ({ XDG_CONFIG_HOME: join(directory(t), 'config') });

/** A command of somebody who has a token. */
const projects = (t: TestContext, url: string, env: Readonly<Record<string, string>> = {}) =>
  cion(['projects'], { cwd: server.cwd, env: { ...home(t), CION_SERVER: url, CION_TOKEN: server.token, ...env } });

/** A worker until it has written that. */
const working = async (t: TestContext, url: string, said: string, env: Readonly<Record<string, string>> = {}): Promise<string> => {
  const { token } = await server.asked<{ readonly token: string }>('POST', '/api/workers/tokens', { name: 'one' });
  const state = directory(t);
  const worker = startCion(['work', '--server', url, '--name', 'one', '--state-dir', state], {
    cwd: state,
    env: { CION_WORKER_TOKEN: token, CION_NAMESPACE: 'e2e-way-to-server', ...env },
  });
  t.after(async () => {
    worker.process.kill('SIGKILL');
    await worker.ended;
  });
  await worker.wrote(said);
  return worker.said();
};

test('neither a person nor a worker sends a token to a server that cannot show that it is it; what is wrong is said (atk-19)', async (t) => {
  const bad = [
    [{ byItself: true }, 'localhost', /certificate is signed by itself/],
    [{}, 'localhost', /signed by nobody that this machine trusts/],
    [{ days: -1 }, 'localhost', /certificate has expired/],
    [{}, 'other.example.org', /certificate is of another host/],
  ] as const;
  const tried = bad.map(async ([how, host, reason]) => {
    const trusts = reason.source.includes('nobody') ? {} : { NODE_EXTRA_CA_CERTS: authority.pem };
    const { url, heard } = await tlsBefore(t, authority.certified(host, how));
    const [asked, worked] = await Promise.all([projects(t, url, trusts), working(t, url, 'cannot show that it is the server', trusts)]);
    assert.notEqual(asked.code, 0);
    assert.match(asked.err, reason);
    assert.match(worked, reason);
    assert.match(asked.err, /\[SERVER_UNVERIFIED\]\n.*NODE_EXTRA_CA_CERTS/);
    assert.deepEqual(heard, []);
  });
  await Promise.all(tried);
  const { url, heard } = await tlsBefore(t, authority.certified('localhost', { byItself: true }));
  const { cwd } = server;
  const [login, told] = await Promise.all([
    cion(['login', '--server', url], { cwd, env: home(t), input: server.token }),
    cion(['trigger', `${url}/hooks/git/a/b`, '--ref', 'refs/heads/main', '--commit', 'a'.repeat(40)], {
      cwd,
      env: { CION_HOOK_SECRET: 'a secret' },
    }),
  ]);
  for (const { err } of [login, told]) assert.match(err, /\[SERVER_UNVERIFIED\]/);
  assert.deepEqual(heard, []);
});

test('with the certificate of an authority of one’s own in NODE_EXTRA_CA_CERTS, the same people and workers come in (atk-19)', async (t) => {
  const { url, heard } = await tlsBefore(t, authority.certified('localhost'));
  const trusts = { NODE_EXTRA_CA_CERTS: authority.pem };
  const asked = await projects(t, url, trusts);
  assert.equal(asked.code, 0, asked.err);
  const claimed = Promise.withResolvers<void>();
  const claiming = await tlsBefore(t, authority.certified('localhost'), (_near, reply) => {
    claimed.resolve();
    reply.writeHead(503).end();
  });
  assert.doesNotMatch(await working(t, claiming.url, 'the server gives no work', trusts), /works for/);
  await claimed.promise;
  assert.match(heard.join('\n'), /authorization/);
});

test('a way without TLS is taken to this machine alone, and to a network only when that is said (atk-19)', async (t) => {
  const open = await reachable(t, server.url);
  const asked = await projects(t, open);
  assert.equal(asked.code, 2, asked.err);
  assert.match(asked.err, /there is no TLS.* \[SERVER_IN_THE_CLEAR\]/);
  const login = (...more: readonly string[]) =>
    cion(['login', '--server', open, ...more], { cwd: server.cwd, env: login.env, input: server.token });
  login.env = home(t);
  assert.match((await login()).err, /\[SERVER_IN_THE_CLEAR\]/);
  assert.match(await working(t, open, '--insecure-http'), /there is no TLS.* \[SERVER_IN_THE_CLEAR\]/);
  const cwd = repository(t, { '.cion.yml': 'a:\n  image: busybox\n  run: "true"\n' });
  const sink = await cion(['run', '--events-url', `${open}/x`], { cwd, env: { CION_SINK_TOKEN: 'cion_sink' } });
  assert.match(sink.err, /\[SERVER_IN_THE_CLEAR\]/);

  assert.equal((await projects(t, open, { CION_INSECURE_HTTP: '1' })).code, 0);
  assert.equal((await login('--insecure-http')).code, 0);
  const loggedIn = await cion(['projects'], { cwd: server.cwd, env: login.env });
  assert.equal(loggedIn.code, 0, loggedIn.err);
  await working(t, open, 'works for', { CION_INSECURE_HTTP: '1' });
});

test('a worker that has the token of another is told whose it is, works for nobody, and is taken by that name (atk-15)', async (t) => {
  const made = await cion(['worker', 'token', 'add', 'rack-1'], {
    cwd: server.cwd,
    env: { ...home(t), CION_SERVER: server.url, CION_TOKEN: server.token },
  });
  assert.equal(made.code, 0, made.err);
  const cwd = directory(t);
  const token = join(cwd, 'worker.token');
  writeFileSync(token, made.out);
  const args = ['work', '--server', server.url, '--token-file', token, '--runtime', 'fake', '--state-dir'];
  const env = { CION_NAMESPACE: 'e2e-way-to-server' };
  const other = await cion([...args, 'other', '--name', 'rack-2'], { cwd, env });
  assert.equal(other.code, 2, other.err);
  assert.match(other.err, /The token is of the worker "rack-1", and this one is called "rack-2"\. \[WORKER_REFUSED\]\n.*--name rack-1/);
  assert.doesNotMatch(other.err, /works for/);
  const nameless = await cion([...args, 'nameless', '--name', 'a b'], { cwd, env });
  assert.match(nameless.err, /A worker cannot be called "a b"\. \[USAGE\]\n.*--name/);
  const own = startCion([...args, 'own', '--name', 'rack-1'], { cwd, env });
  await own.wrote('the worker "rack-1" works for');
  own.process.kill('SIGTERM');
  assert.equal((await own.ended).code, 0);
});

test('a redirect is followed by nobody, from https to http, to another host, or to where one was: no token goes there (atk-19)', async (t) => {
  const trusts = { NODE_EXTRA_CA_CERTS: authority.pem };
  const thief = await tlsBefore(t, undefined);
  for (const status of [302, 307]) {
    const { url, heard } = await tlsBefore(t, authority.certified('localhost'), (near, reply) => {
      reply.writeHead(status, { location: `${thief.url}${near.url}` }).end();
    });
    const [asked, login] = await Promise.all([
      projects(t, url, trusts),
      cion(['login', '--server', url], { cwd: server.cwd, env: { ...home(t), ...trusts }, input: server.token }),
      working(t, url, 'the server gives no work', trusts),
    ]);
    for (const { err } of [asked, login]) assert.match(err, /\[SERVER_\w+\]/);
    assert.ok(heard.length >= 3);
  }
  assert.deepEqual(thief.heard, []);
});

test('nobody is talked out of TLS: not by a server of old versions of it alone, not by one without it at that port, not by NODE_TLS_REJECT_UNAUTHORIZED (atk-19)', async (t) => {
  const trusts = { NODE_EXTRA_CA_CERTS: authority.pem };
  const old = await tlsBefore(t, {
    ...authority.certified('localhost'),
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'ALL:@SECLEVEL=0',
  });
  const without = await tlsBefore(t, undefined);
  for (const { url, heard } of [old, { ...without, url: without.url.replace('http:', 'https:') }]) {
    const [asked] = await Promise.all([projects(t, url, trusts), working(t, url, 'the server gives no work', trusts)]);
    assert.match(asked.err, /\[SERVER_UNREACHABLE\]/);
    assert.deepEqual(heard, []);
  }
  const careless = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
  const stranger = await tlsBefore(t, authority.certified('localhost', { byItself: true }));
  assert.match((await projects(t, stranger.url, careless)).err, /\[SERVER_UNVERIFIED\]/);
  await working(t, stranger.url, '[SERVER_UNVERIFIED]', careless);
  assert.deepEqual(stranger.heard, []);
});
