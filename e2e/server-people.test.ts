import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { noTerminal, startTerminal } from '../src/cli/printers/testing/terminal.ts';
import { commandsAt, parsed } from './commands-at.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const project = 'acme/app';
const on = ['--on', project] as const;
const ofAda = 'correct horse battery staple';
const main = join(import.meta.dirname, '../src/main.ts');

/** Without a worker: what is asked here runs nothing. */
describe('people of a server, from the command line', { timeout: 400_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startServer({ args: ['--slots', '0'] });
    const gates = { 'of-bob': { gate: 'person', who: 'bob' }, anybody: { gate: 'person' } };
    const stages = { ...gates, build: { image: 'busybox', run: 'true', needs: ['of-bob', 'anybody'] } };
    await (await server.project(project, { '.cion.yml': JSON.stringify({ stages }) })).push('main');
    await server.begun(project, 1);
    await server.until(project, 1, ({ kind }) => kind === 'gate.opened');
  });
  after(() => server.close());

  const { env, cion, done, refused } = commandsAt(() => server);
  const tokenOf = async (name: string, password: string, scopes = 'read,run,decide,settings'): Promise<string> =>
    (await done(['tokens', 'create', 'e2e', '--scopes', scopes, '--account', name], { input: password, token: '' })).trim();

  it('a second person gets an account and a role, logs in, and decides what names them; an admin does not in their place', async () => {
    const made = await cion(['accounts', 'add', 'bob'], { input: 'a password for bobby\n' });
    assert.deepEqual([made.code, /too easy to guess/.test(made.err)], [2, true], made.err);
    const added = await cion(['accounts', 'add', 'bob'], { input: 'seven ducks in a row\n' });
    assert.deepEqual([added.code, added.out], [0, 'bob has an account now.\n'], added.err);
    assert.match(added.err, new RegExp(`cion login --server ${server.url}".*\n.*cion members add bob --role ROLE --on OWNER/NAME`));
    const bob = await tokenOf('bob', 'seven ducks in a row');
    await refused('PROJECT_UNKNOWN', ['show', '1', ...on], { token: bob });

    assert.match(await done(['members', ...on]), /^Nobody was made a member of acme\/app/);
    assert.equal(await done(['members', 'add', 'bob', '--role', 'reader', ...on]), 'bob is a reader of acme/app now.\n');
    assert.match(await done(['show', '1', ...on], { token: bob }), /Run 1 of acme\/app/);
    await refused('FORBIDDEN', ['approve', '1', 'of-bob', ...on], { token: bob });
    assert.equal(await done(['members', 'add', 'bob', '--role', 'writer', ...on]), 'bob is a writer of acme/app now.\n');
    assert.match(await done(['members', ...on]), /Member +Role\n +bob +writer\n/);
    await refused('FORBIDDEN', ['members', ...on], { token: bob });

    const said = await refused('GATE_NOT_YOURS', ['approve', '1', 'of-bob', ...on]);
    assert.match(said, /waits for bob, not for ada\. .*\n.*nobody in their place: admins neither/);
    assert.match(await done(['approve', '1', 'anybody', ...on]), /approved/);
    assert.match(await done(['approve', '1', 'of-bob', ...on], { token: bob }), /of-bob is approved/);
  });

  it('a password is generated, alone on stdout; its owner takes another, and an admin gives a new one to who has lost it', async () => {
    const { code, out, err } = await cion(['accounts', 'add', 'grace', '--admin', '--generate']);
    assert.deepEqual([code, /^[\w-]{24}\n$/.test(out), err.includes(out.trim())], [0, true, false], err);
    assert.match(err, /grace has an account now, and is an admin\./);
    const first = out.trim();
    const grace = await tokenOf('grace', first, 'read,admin');
    const own = ['accounts', 'password'];
    assert.match(await refused('SERVER_REFUSED', own, { input: 'no idea\nfour kites at noon\n', token: grace }), /password is wrong/);
    assert.match(await refused('SECRET_REFUSED', own, { input: `${first}\n`, token: grace }), /two lines/);
    assert.match(await done(own, { input: `${first}\nfour kites at noon\n`, token: grace }), /^grace has another password now/);
    await refused('SERVER_REFUSED', ['tokens', '--account', 'grace'], { input: first, token: '' });
    assert.match(await done(['tokens', '--account', 'grace'], { input: 'four kites at noon', token: '' }), /e2e/);
    assert.match(await refused('USAGE', own, { input: 'x\ny\n', token: '' }), /--account NAME/);
    const three = await refused('SECRET_REFUSED', own, { input: 'four kites at noon\none\ntwo\n', token: grace });
    assert.match(three, /stdin has 3 lines in place of 2/);
    const reset = await done(['accounts', 'reset', 'grace', '--generate']);
    assert.match(await done(['tokens', '--account', 'grace'], { input: reset.trim(), token: '' }), /e2e/);
  });

  it('an account is closed, opened again, made an admin and none again; each is listed, and what cannot be is refused', async () => {
    await done(['accounts', 'add', 'carl'], { input: 'nine stones by the sea' });
    const carl = await tokenOf('carl', 'nine stones by the sea');
    assert.match(await done(['accounts', 'close', 'carl']), /^carl may not log in any more, and its tokens are good for nothing\.\n$/);
    await refused('TOKEN_INVALID', ['projects'], { token: carl });
    assert.match(await done(['accounts']), /carl +password +\d{4}-.* closed\n/);
    await done(['accounts', 'reopen', 'carl']);
    await done(['projects'], { token: carl });
    await done(['accounts', 'promote', 'carl']);
    const of = async () => parsed<{ readonly name: string; readonly isAdmin: boolean }>(await done(['accounts', '--json']));
    assert.equal((await of()).find(({ name }) => name === 'carl')?.isAdmin, true);
    assert.match(await done(['accounts']), /carl +admin +password/);
    await done(['accounts', 'demote', 'carl']);
    assert.equal((await of()).find(({ name }) => name === 'carl')?.isAdmin, false);

    assert.match(await refused('OWN_ROLE', ['accounts', 'close', 'ada']), /another one can/);
    assert.match(await refused('ACCOUNT_UNKNOWN', ['accounts', 'close', 'crl']), /Did you mean "carl"\?/);
    assert.match(await refused('USAGE', ['accounts', 'add', 'Carl Y'], { input: 'x' }), /small letters/);
    await refused('ACCOUNT_EXISTS', ['accounts', 'add', 'carl'], { input: 'nine stones by the sea' });
    await refused('PASSWORD_REFUSED', ['accounts', 'add', 'dora'], { input: 'too short' });
    const lines = await refused('SECRET_REFUSED', ['accounts', 'add', 'dora'], { input: 'a line that is long\nanother line\n' });
    assert.match(lines, /A password is one line/);
    assert.match(await done(['accounts', 'add', 'dora'], { input: 'a line that is long\r\n\n' }), /dora has an account/);
    await tokenOf('dora', 'a line that is long', 'read');
    assert.match(await refused('SERVER_REFUSED', ['tokens', '--account', 'dora'], { input: 'x', token: '' }), /password is wrong/);
    assert.match(await refused('FORBIDDEN', ['accounts'], { token: carl }), /cion login --admin/);
  });

  it('an owner gives and takes roles, but the own one stays; an unknown account, role or member is refused with a hint', async () => {
    await done(['accounts', 'add', 'olga'], { input: 'three boats upstream' });
    assert.equal(await done(['members', 'add', 'olga', '--role', 'owner', ...on]), 'olga is an owner of acme/app now.\n');
    const token = await tokenOf('olga', 'three boats upstream');
    assert.match(await refused('OWN_ROLE', ['members', 'remove', 'olga', ...on], { token }), /another owner or an admin can/);
    await refused('OWN_ROLE', ['members', 'add', 'olga', '--role', 'reader', ...on], { token });
    assert.match(await refused('ACCOUNT_UNKNOWN', ['members', 'add', 'nobody', '--role', 'reader', ...on], { token }), /cion accounts add/);
    assert.match(await refused('MEMBER_UNKNOWN', ['members', 'remove', 'olag', ...on], { token }), /Did you mean "olga"\?/);
    for (const args of [['--role', 'boss'], []]) {
      const { code, err } = await cion(['members', 'add', 'olga', ...args, ...on], { token });
      assert.deepEqual([code, /--role/.test(err)], [2, true], err);
    }
    await refused('PROJECT_UNKNOWN', ['members', '--on', 'acme/none'], { token });
    assert.equal(await done(['members', 'remove', 'olga', ...on]), 'olga is no member of acme/app any more.\n');
    await refused('PROJECT_UNKNOWN', ['members', ...on], { token });
  });

  it('on a terminal passwords are typed unseen, and new ones twice', { skip: noTerminal() ?? false }, async (t) => {
    const terminal = startTerminal(
      '"$NODE" "$MAIN" accounts add tess; "$NODE" "$MAIN" accounts add tess; "$NODE" "$MAIN" accounts password',
      {
        columns: 100,
        rows: 20,
        cwd: server.cwd,
        env: { ...env(), NODE: process.execPath, MAIN: main },
      },
    );
    t.after(() => terminal.end());
    await terminal.shows(/^New password of tess \(12 characters or more\):/m);
    terminal.type('five lamps and a door\r');
    await terminal.shows(/^Once more:/m);
    terminal.type('five lamps and no door\r');
    await terminal.shows(/The two are not the same: nothing was changed\. \[SECRET_REFUSED\][^]*^New password of tess/m);
    terminal.type('five lamps and a door\r');
    await terminal.shows(/^Once more:[^]*^Once more:/m);
    terminal.type('five lamps and a door\r');
    await terminal.shows(/^Password of ada:/m);
    terminal.type(`${ofAda}\r`);
    await terminal.shows(/^New password \(12 characters or more\):/m);
    terminal.type('six clouds over town\r');
    await terminal.shows(/^Once more:[^]*^Once more:[^]*^Once more:/m);
    terminal.type('six clouds over town\r');
    await terminal.ended;
    const seen = terminal.screen.history();
    assert.match(seen, /tess has an account now\./);
    assert.match(seen, /ada has another password now/);
    for (const secret of ['five lamps', ofAda, 'six clouds']) assert.equal(seen.includes(secret), false);
    await tokenOf('tess', 'five lamps and a door', 'read');
    await tokenOf('ada', 'six clouds over town', 'read');
  });
});
