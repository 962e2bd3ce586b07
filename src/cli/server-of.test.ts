import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { hashOf, newBearer, newId } from '../server/auth/bearer.ts';
import { type AuthServer, authServer, goodPassword } from '../server/auth/testing/auth-server.ts';
import { noTerminal, startTerminal } from './printers/testing/terminal.ts';
import { writeServers } from './known-servers.ts';
import { tokenByPassword, whoIs } from './server-login.ts';
import { isOpenToAll } from './in-the-clear.ts';
import { serverOf } from './server-of.ts';

let server: AuthServer;
const home = mkdtempSync(join(tmpdir(), 'cion-login-'));
before(async () => {
  server = await authServer();
  server.setup.spend();
});
after(async () => {
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

let configs = 0;
const newConfig = (): { readonly env: Record<string, string>; readonly file: string } => {
  const directory = join(home, `config-${++configs}`);
  return { env: { XDG_CONFIG_HOME: directory }, file: join(directory, 'cion', 'servers.json') };
};

const cion = async (args: readonly string[], env: Record<string, string>, input = '') => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts'), ...args], {
    env: { PATH: process.env.PATH, HOME: home, ...env },
  });
  child.stdin.end(input);
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number, out, err };
};

test('cion login keeps a token that was piped in, for this user’s eyes alone, and logout forgets it', async () => {
  const ada = await server.login('ada');
  const { token } = (await ada.post('/api/auth/tokens', { name: 'laptop', scopes: ['read'] })).body;
  const { env, file } = newConfig();
  const done = await cion(['login', '--server', `${server.url}/`], env, `${token}\n`);
  assert.deepEqual([done.code, done.out], [0, `Logged in at ${server.url} as ada.\n`], done.err);
  assert.equal(`${done.out}${done.err}`.includes(token), false);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(await serverOf({ env }, {}), { url: server.url, token });

  assert.equal((await cion(['logout'], env)).code, 0);
  assert.equal(readFileSync(file, 'utf8').includes(token), false);
  assert.equal((await cion(['logout'], env)).code, 2);
});

test('a token that the server does not take is not kept, and nor is one that is none', async () => {
  const { env, file } = newConfig();
  const unknown = await cion(['login', '--server', server.url], env, `cion_${'A'.repeat(43)}`);
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /unknown, was revoked, or has run out\. \[SERVER_REFUSED\]/);
  const none = await cion(['login', '--server', server.url], env, 'hunter2-hunter2');
  assert.match(none.err, /\[USAGE\]/);
  assert.equal(none.err.includes('hunter2'), false);
  assert.throws(() => statSync(file), { code: 'ENOENT' });
});

test('a name and a password become a token of this machine, and leave no session behind', async () => {
  await server.login('bob', true);
  await server.sessions.end({ account: 'acc_bob' });
  const token = await tokenByPassword(server.url, 'bob', goodPassword);
  const me = await whoIs(server.url, token);
  assert.deepEqual([me.name, me.scopes], ['bob', ['read', 'run', 'decide', 'secrets', 'settings']]);
  assert.deepEqual(await server.sessions.list('acc_bob'), []);
  await assert.rejects(tokenByPassword(server.url, 'bob', 'wrong horse battery'), {
    code: 'SERVER_REFUSED',
    message: 'The name or the password is wrong.',
  });
});

test('who has no password is told where a token is made, and one with the right "tokens" makes, lists and ends others without any', async () => {
  await server.accounts.add({ id: 'acc_linus', name: 'linus', isAdmin: false, isClosed: false, forges: [], createdAt: server.clock.now() });
  const tokenOf = async (scopes: readonly string[]): Promise<string> => {
    const token = newBearer('account');
    const now = server.clock.now();
    const of = { kind: 'account', account: 'acc_linus', scopes } as const;
    await server.tokens.add({
      id: newId('tok'),
      hash: hashOf(token),
      name: 'made on the page',
      of,
      createdAt: now,
      expiresAt: now + 86_400_000,
    });
    return token;
  };
  const ask = (token: string, ...args: readonly string[]) =>
    cion(['tokens', ...args], { ...newConfig().env, CION_SERVER: server.url, CION_TOKEN: token });

  const plain = await ask(await tokenOf(['read']), 'create', 'ci', '--scopes', 'read');
  assert.deepEqual([plain.code, plain.out], [2, '']);
  assert.match(plain.err, /linus logs in with a forge alone and has no password here\. \[PASSWORD_NONE\]/);
  assert.ok(plain.err.includes(`${server.url}/tokens`), plain.err);

  const maker = await tokenOf(['read', 'tokens']);
  assert.match((await ask(maker)).out, /The token here has made no others\./);
  const made = await ask(maker, 'create', 'ci', '--scopes', 'read');
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /^cion_[\w-]{43}\n$/);
  assert.match(made.err, /The token ci of linus, until 2026-11-22 .* and no longer than the token that made it: read\./);
  assert.deepEqual((await whoIs(server.url, made.out.trim())).scopes, ['read']);
  const wider = await ask(maker, 'create', 'more', '--scopes', 'read,run');
  assert.deepEqual([wider.code, wider.out], [2, '']);
  assert.match(wider.err, /makes none that may more than itself, and this one has not: run\. \[FORBIDDEN\]/);
  const [, id = ''] = /^ +(tok_\w+) +ci +read/m.exec((await ask(maker)).out) ?? [];
  assert.equal((await ask(maker, 'revoke', id)).code, 0);
  await assert.rejects(whoIs(server.url, made.out.trim()), { code: 'SERVER_REFUSED' });
});

test('on a terminal it asks for the name and, unseen, for the password', { skip: noTerminal() ?? false }, async (t) => {
  await server.login('eve');
  const { env, file } = newConfig();
  const command = '"$NODE" "$MAIN" login --server "$SERVER"';
  const programs = { NODE: process.execPath, MAIN: join(import.meta.dirname, '../main.ts'), SERVER: server.url };
  const terminal = startTerminal(command, { columns: 100, rows: 20, env: { ...env, ...programs } });
  t.after(() => terminal.end());
  await terminal.shows(/^Name/m);
  terminal.type('eve\r');
  await terminal.shows(/^Password:/m);
  terminal.type(`${goodPassword}\r`);
  await terminal.ended;
  assert.match(terminal.screen.history(), /Logged in at \S+ as eve\./);
  assert.equal(terminal.screen.history().includes(goodPassword), false);
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).servers[server.url].name, 'eve');
});

test('the first account is made from three lines, or as a terminal asks for it; it is an admin, and there is no second first', async (t) => {
  const fresh = await authServer();
  t.after(() => fresh.close());
  const { env } = newConfig();
  const lines = (password: string): string => `${fresh.setup.token}\nada\n${password}\n`;
  const login = (password: string) => cion(['login', '--setup', '--server', fresh.url], env, lines(password));
  const weak = await login('short');
  assert.equal(weak.code, 2, weak.out);
  assert.match(weak.err, /has 12 to 1024 characters/);
  const done = await login(goodPassword);
  assert.deepEqual([done.code, done.out], [0, `Logged in at ${fresh.url} as ada.\n`], done.err);
  const me = await whoIs(fresh.url, (await serverOf({ env }, {})).token ?? '');
  assert.deepEqual([me.name, me.isAdmin, me.scopes?.includes('admin')], ['ada', true, true]);
  const second = await cion(['login', '--setup', '--server', fresh.url], env, '');
  assert.match(second.err, /there is an admin already\. \[SERVER_REFUSED\]\n.*cion login --server/);
});

test('a terminal is asked for the setup token of a server without an account, unseen', { skip: noTerminal() ?? false }, async (t) => {
  const fresh = await authServer();
  t.after(() => fresh.close());
  const { env } = newConfig();
  const programs = { NODE: process.execPath, MAIN: join(import.meta.dirname, '../main.ts'), SERVER: fresh.url };
  const terminal = startTerminal('"$NODE" "$MAIN" login --server "$SERVER"', { columns: 100, rows: 20, env: { ...env, ...programs } });
  t.after(() => terminal.end());
  await terminal.shows(/^Setup token/m);
  terminal.type(`${fresh.setup.token}\r`);
  await terminal.shows(/^Name:/m);
  terminal.type('ada\r');
  await terminal.shows(/^Password/m);
  terminal.type(`${goodPassword}\r`);
  await terminal.shows(/^Once more:/m);
  terminal.type(`${goodPassword}\r`);
  await terminal.ended;
  assert.match(terminal.screen.history(), /Logged in at \S+ as ada\./);
  assert.equal(terminal.screen.history().includes(fresh.setup.token ?? ''), false);
});

test('the server is that of --server, of CION_SERVER, or of the last login, in this order', async () => {
  const { env } = newConfig();
  await assert.rejects(serverOf({ env }, {}), { code: 'SERVER_UNKNOWN' });
  await writeServers({ env }, { current: 'https://a.example', servers: { 'https://a.example': { name: 'ada', token: 'cion_a' } } });
  const inCi = { ...env, CION_SERVER: 'https://b.example/', CION_TOKEN: 'cion_b' };
  assert.deepEqual(await serverOf({ env }, {}), { url: 'https://a.example', token: 'cion_a' });
  assert.deepEqual(await serverOf({ env: inCi }, {}), { url: 'https://b.example', token: 'cion_b' });
  assert.deepEqual(await serverOf({ env }, { server: 'https://c.example' }), { url: 'https://c.example' });
  assert.deepEqual(await serverOf({ env: { ...env, CION_TOKEN: 'cion_e' } }, {}), { url: 'https://a.example', token: 'cion_e' });
});

test('a token is sent to no server that it is not for', async () => {
  const { env } = newConfig();
  await writeServers({ env }, { current: 'https://a.example', servers: { 'https://a.example': { name: 'ada', token: 'cion_a' } } });
  const inCi = { ...env, CION_SERVER: 'https://b.example', CION_TOKEN: 'cion_b' };
  assert.deepEqual(await serverOf({ env: inCi }, { server: 'https://c.example' }), { url: 'https://c.example' });
  assert.deepEqual(await serverOf({ env: inCi }, { server: 'https://a.example' }), { url: 'https://a.example', token: 'cion_a' });
  assert.deepEqual(await serverOf({ env }, { server: 'https://a.example.evil' }), { url: 'https://a.example.evil' });
});

test('an address that is none, or has a password in it, is refused, and the password is not repeated', async () => {
  const { env } = newConfig();
  for (const bad of ['ci.example.org', 'ftp://ci.example.org', 'https://ada:hunter2@ci.example.org', 'https://ci.example.org/?token=x']) {
    await assert.rejects(
      serverOf({ env }, { server: bad }),
      (error: Error & { code?: string }) => error.code === 'USAGE' && !error.message.includes('hunter2'),
    );
  }
  await assert.rejects(serverOf({ env }, { server: 'build' }), {
    message: '--server "build" is no address of a server.',
    hint: 'Write --server https://host, or --server alone and last for the server that you are logged in to.',
  });
  for (const secret of ['https://ci.example.org/?token=hunter2', 'cion_hunter2'])
    await assert.rejects(serverOf({ env }, { server: secret }), { message: '--server is no address of a server.' });
  assert.deepEqual(['http://localhost:80', 'http://127.0.0.1', 'https://x.org', 'http://x.org', 'http://127.evil.org'].map(isOpenToAll), [
    false,
    false,
    false,
    true,
    true,
  ]);
});

test('a server that is away, and one that is something else, are said to be so', async () => {
  const { env } = newConfig();
  const token = `cion_${'A'.repeat(43)}`;
  assert.match((await cion(['login', '--server', 'http://127.0.0.1:9'], env, token)).err, /\[SERVER_UNREACHABLE\]/);
  assert.match((await cion(['login', '--server', `${server.url}/elsewhere`], env, token)).err, /\[SERVER_REFUSED\]/);
});

test('what a server says does nothing to a terminal, and stays one line', async (t) => {
  const message = 'No.\u001b[2J\u001b]0;title\u0007\nIt is \u009b31mred \u202eback';
  const said = JSON.stringify({ code: 'X\u001b[2J', message, hint: 'Do\u001b[2J this' });
  const odd = createServer((_, response) => void response.writeHead(400, { 'content-type': 'application/json' }).end(said));
  await once(odd.listen(0, '127.0.0.1'), 'listening');
  t.after(() => odd.close());
  const { env } = newConfig();
  const url = `http://127.0.0.1:${(odd.address() as AddressInfo).port}`;
  const token = `cion_${'A'.repeat(43)}`;
  for (const args of [
    ['projects', '--server', url],
    ['login', '--server', url],
  ]) {
    const { code, err } = await cion(args, { ...env, ...(args[0] === 'projects' ? { CION_TOKEN: token } : {}) }, token);
    assert.equal(code, 2, err);
    assert.match(err, /^cion: No\. It is red back/);
    assert.doesNotMatch(err, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
});

test('a file of logins that is broken is named, and kept as it is', async () => {
  const { env, file } = newConfig();
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '{"servers": 3}');
  chmodSync(file, 0o600);
  await assert.rejects(serverOf({ env }, {}), { code: 'SERVERS_UNREADABLE' });
  assert.equal(readFileSync(file, 'utf8'), '{"servers": 3}');
});

test('a name and a password on stdin are no login: it is said what stdin has, and which commands make a token', async () => {
  const { env } = newConfig();
  const { code, err } = await cion(['login', '--server', server.url], env, `ada\n${goodPassword}\n`);
  assert.equal(code, 2, err);
  assert.match(
    err,
    /This is no token of cion.*\[USAGE\]\n.*it has a token, and no name and password.*"cion tokens create NAME .*--account YOU/,
  );
  assert.match(err, /\/tokens in a browser.*"cion login --setup"/);
  assert.equal(err.includes(goodPassword), false);
});
