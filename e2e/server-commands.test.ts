import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeliveryJson } from '../src/api/deliveries.ts';
import { apiClient } from '../src/api/client.ts';
import { noTerminal, startTerminal } from '../src/cli/printers/testing/terminal.ts';
import { commandsAt, parsed } from './commands-at.ts';
import { httpServer } from './http-server.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const password = 'correct horse battery staple';
const main = join(import.meta.dirname, '../src/main.ts');

/** Without a worker: what is asked here runs nothing. */
describe('what a server is told from the command line', { timeout: 400_000 }, () => {
  const project = 'acme/app';
  const on = ['--on', project] as const;
  let server: ServerProcess;
  let told: Awaited<ReturnType<typeof httpServer>>;
  const undo: (() => void)[] = [];
  before(async () => {
    told = await httpServer({ after: (one) => void undo.push(one as () => void) });
    server = await startServer({ args: ['--slots', '0', '--allow-address', '127.0.0.1'] });
    await (await server.project(project, { '.cion.yml': 'build: { image: busybox, cmd: echo built }\n' })).push('main');
    await server.begun(project, 1);
    await server.until(project, 1, ({ kind }) => kind === 'stage.queued');
  });
  after(async () => {
    await server.close();
    for (const one of undo) one();
  });

  const { env, cion, done, refused } = commandsAt(() => server);

  it('a token is made with a password from stdin, alone on stdout, with its rights and its end; it is listed, and worthless once revoked', async () => {
    const made = await cion(['tokens', 'create', 'ci', '--scopes', 'read,run', '--expires-in-days', '7', ...on], {
      input: `${password}\n`,
    });
    assert.equal(made.code, 0, made.err);
    assert.match(made.out, /^cion_[\w-]{43}\n$/);
    assert.match(made.err, /The token ci of ada, for 7 days: read and run in acme\/app alone\. It is not shown again\./);
    assert.equal(made.err.includes(made.out.trim()), false);
    const token = made.out.trim();
    const me = await apiClient({ url: server.url, token }).me();
    assert.deepEqual([me.name, me.scopes, me.project], ['ada', ['read', 'run'], project]);
    assert.match(await refused('FORBIDDEN', ['projects', 'settings', project], { token }), /\[FORBIDDEN\]/);

    type Row = { readonly id: string; readonly name: string; readonly expiresAt: number; readonly createdAt: number };
    const listed = parsed<Row>(await done(['tokens', 'list', '--json'], { input: password }));
    const row = listed.find(({ name }) => name === 'ci') ?? assert.fail();
    assert.equal(row.expiresAt - row.createdAt, 7 * 86_400_000);
    const shown = await done(['tokens'], { input: password });
    assert.match(shown, new RegExp(`${row.id} +ci +read, run in acme/app +\\d{4}-`));
    assert.equal(shown.includes(token), false);
    assert.match(await done(['tokens', 'revoke', row.id], { input: password }), /is good for nothing any more/);
    assert.match(await refused('TOKEN_INVALID', ['projects'], { token }), /cion login/);
    await refused('NOT_FOUND', ['tokens', 'revoke', row.id], { input: password });
    const sessions = server.asked<unknown[]>('GET', '/api/auth/sessions');
    await assert.rejects(sessions, /403/, 'tokens do not see sessions');
  });

  it('a secret says for whom it is, and whose place it takes: there is one of a name', async () => {
    const set = (...limits: readonly string[]) => done(['secret', 'set', 'PLACE', ...limits, ...on], { input: 'a value of it\n' });
    assert.equal(await set(), 'acme/app has the secret PLACE now, for everything.\n');
    assert.equal(
      await set('--branch', 'main', '--branch', 'v*', '--environment', 'production'),
      'acme/app has the secret PLACE now, for branches main, v*; environments production. It takes the place of the one for everything: there is one of a name.\n',
    );
    assert.match(await set(), /now, for everything\. It takes the place of the one for branches main, v\*; environments production/);
    await done(['secret', 'rm', 'PLACE', ...on]);
  });

  it('a token with the right "tokens" makes others without a password, which end with it', async () => {
    const create = (name: string, scopes: string) => ['tokens', 'create', name, '--scopes', scopes];
    const maker = (await done(create('maker', 'read,run,tokens'), { input: password })).trim();
    const made = await cion(create('of-maker', 'read'), { token: maker });
    assert.equal(made.code, 0, made.err);
    const token = made.out.trim();
    assert.match(await done(['projects'], { token }), /acme\/app/);
    await refused('FORBIDDEN', create('wider', 'read,settings'), { token: maker });
    await refused('FORBIDDEN', create('maker-too', 'read,tokens'), { token: maker });
    const listed = parsed<{ readonly name: string }>(await done(['tokens', '--json'], { token: maker }));
    assert.deepEqual(
      listed.map(({ name }) => name),
      ['of-maker'],
    );
    const all = parsed<{ readonly id: string; readonly name: string }>(await done(['tokens', '--json'], { input: password }));
    const [mother] = all.filter(({ name }) => name === 'maker');
    await refused('NOT_FOUND', ['tokens', 'revoke', mother?.id ?? ''], { token: maker });
    await done(['tokens', 'revoke', mother?.id ?? ''], { input: password });
    await refused('TOKEN_INVALID', ['projects'], { token });
  });

  it('the page of tokens is there for who has no password, and the API tells of all that the commands ask', async () => {
    const page = await fetch(`${server.url}/tokens`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-security-policy') ?? '', /form-action 'self'.*frame-ancestors 'none'/);
    assert.match(await page.text(), /cion tokens create/);
    const form = await fetch(`${server.url}/tokens`, { method: 'POST', body: new URLSearchParams({ name: 'x', read: 'on' }) });
    assert.equal(form.status, 401);
    const { paths } = (await (await fetch(`${server.url}/api/openapi.json`)).json()) as { paths: Record<string, Record<string, unknown>> };
    const of = '/api/projects/{owner}/{name}';
    assert.ok(paths[`${of}/schedules/{id}`]?.['patch']);
    assert.ok(paths[`${of}/subscriptions/{id}/test`]?.['post']);
    assert.equal(paths['/tokens'], undefined);
  });

  it('no token comes of a wrong password, of no rights, of a token alone, or of nobody', async () => {
    assert.match(
      await refused('SERVER_REFUSED', ['tokens', 'create', 'x', '--scopes', 'read'], { input: 'wrong horse' }),
      /password is wrong/,
    );
    assert.match(await refused('USAGE', ['tokens', 'create', 'x'], { input: password }), /--scopes: read, run/);
    await refused('SECRET_REFUSED', ['tokens', 'create', 'x', '--scopes', 'read']);
    assert.match(await refused('USAGE', ['tokens'], { token: '', input: password }), /--account NAME/);
    assert.match(await done(['tokens', '--account', 'ada'], { token: '', input: password }), /e2e/);
    const { code, err } = await cion(['tokens', 'create', 'x', '--scopes', 'raed'], { input: password });
    assert.equal(code, 2);
    assert.match(err, /Did you mean "read"\?/);
  });

  it('on a terminal the password is typed unseen, and a shell gets the token and nothing else', {
    skip: noTerminal() ?? false,
  }, async (t) => {
    const command = 'TOKEN=$("$NODE" "$MAIN" tokens create laptop --scopes read); printf "%s" "$TOKEN" | wc -lc';
    const terminal = startTerminal(command, {
      columns: 100,
      rows: 20,
      cwd: server.cwd,
      env: { ...env(), NODE: process.execPath, MAIN: main },
    });
    t.after(() => terminal.end());
    await terminal.shows(/^Password of ada:/m);
    terminal.type(`${password}\r`);
    await terminal.ended;
    assert.match(terminal.screen.history(), /^ +0 +48\r?$/m);
    assert.equal(terminal.screen.history().includes(password), false);
  });

  it('the token of a worker is listed with who stands behind it, and worthless once revoked; who is no admin does neither', async () => {
    await done(['worker', 'token', 'add', 'rack-1', '--expires-in-days', '3']);
    const shown = await done(['worker', 'token']);
    const [, id = ''] = /^ +(tok_\w+) +rack-1 +rack-1 +\d{4}-.* never$/m.exec(shown) ?? assert.fail(shown);
    const token = (await done(['tokens', 'create', 'weak', '--scopes', 'read'], { input: password })).trim();
    await Promise.all([
      refused('FORBIDDEN', ['worker', 'token', 'list'], { token }),
      refused('FORBIDDEN', ['worker', 'token', 'revoke', id], { token }),
    ]);
    assert.match(await done(['worker', 'token', 'revoke', id]), /is good for nothing any more/);
    assert.deepEqual(parsed(await done(['worker', 'token', 'list', '--json'])), []);
  });

  it('schedules are added, listed with their next time, and removed; a wrong time or zone is refused with a hint', async () => {
    assert.match(await done(['schedules', ...on]), /acme\/app has no schedules\./);
    const cron = '30 2 * * MON-FRI';
    const wrongRef = await refused('TRIGGER_REF_UNKNOWN', ['schedules', 'add', '@daily', '--ref', 'nxt', ...on]);
    assert.match(wrongRef, /The repository of acme\/app has no branch nxt\. .*\n +Push it first/);
    const more = ['--time-zone', 'Europe/Paris', '--ref', 'main', '--pipeline', 'nightly', '--target', 'build'];
    const added = await done(['schedules', 'add', cron, ...more, ...on]);
    assert.match(added, /^acme\/app has the schedule [0-9a-f]{8} now, next at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\n$/);
    const secret = 'npm_0123456789abcdef';
    await done(['schedules', 'add', '@daily', '--package', 'left-pad', '--token', ...on], { input: `${secret}\n` });
    const [first, second] = parsed<Readonly<Record<string, unknown>>>(await done(['schedules', '--json', ...on]));
    assert.deepEqual(
      [first?.['cron'], first?.['timeZone'], first?.['wants']],
      [cron, 'Europe/Paris', { ref: 'refs/heads/main', pipeline: 'nightly', target: 'build' }],
    );
    assert.deepEqual(second?.['watch'], { package: 'left-pad', registry: 'https://registry.npmjs.org/', tag: 'latest', hasToken: true });
    const shown = await done(['schedules', ...on]);
    assert.match(shown, /30 2 \* \* MON-FRI +Europe\/Paris +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +nightly, target/);
    assert.equal(`${shown}${JSON.stringify(second)}`.includes(secret), false);

    const wrong = async (hint: RegExp, ...args: readonly string[]): Promise<void> =>
      assert.match(await refused('SCHEDULE_INVALID', ['schedules', 'add', ...args, ...on]), hint);
    await Promise.all([
      wrong(/cannot be read: .*\n +Write e\.g\. "30 2 \* \* MON-FRI"/, '61 * * * *'),
      wrong(/has five fields .*\n +Write e\.g\./, '* * * * * *'),
      wrong(/is no time zone\. .*\n +Did you mean "Europe\/Paris"\?/, '@daily', '--time-zone', 'Europe/Pariss'),
      wrong(/\n +Write a place as Europe\/Paris/, '@daily', '--time-zone', 'Mars/Base'),
    ]);
    assert.match(await refused('USAGE', ['schedules', 'add', '@daily', '--tag', 'next', ...on]), /--package NAME/);

    for (const ref of ['', 'a b', 'refs/notes/x']) {
      const { code, err } = await cion(['schedules', 'add', '@daily', '--ref', ref, ...on]);
      assert.deepEqual([code, /argument '.*' is invalid\. Write a branch, main, or a tag, refs\/tags\/V1\./.test(err)], [2, true], err);
    }

    const id = String(first?.['id']);
    const name = id.slice(0, 8);
    assert.equal(
      await done(['schedules', 'pause', name, ...on]),
      `The schedule ${name} (${cron}) of acme/app begins nothing until it is resumed.\n`,
    );
    assert.match(await done(['schedules', ...on]), /30 2 \* \* MON-FRI +Europe\/Paris +paused by ada +nightly, target/);
    const [paused, other] = parsed<{ readonly paused?: { readonly by: string } }>(await done(['schedules', '--json', ...on]));
    assert.deepEqual([paused?.paused?.by, other?.paused], ['ada', undefined]);
    assert.match(
      await done(['schedules', 'resume', name, ...on]),
      /^The schedule [0-9a-f]{8} \(30 2 \* \* MON-FRI\) of acme\/app goes on, next at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\n$/,
    );
    assert.match(await refused('USAGE', ['schedules', 'pause', 'nothing', ...on]), /There is no schedule "nothing"\./);
    assert.match(
      await refused('USAGE', ['schedules', 'remove', 'nothing', ...on]),
      /There is no schedule "nothing"\. .*\n.*"cion schedules" lists them/,
    );
    assert.equal(
      await done(['schedules', 'remove', id.slice(0, 8), ...on]),
      `acme/app has the schedule ${id.slice(0, 8)} (${cron}) no more.\n`,
    );
    assert.equal(parsed(await done(['schedules', '--json', ...on])).length, 1);
  });

  it('what a hook told is listed with the run that it began or why it began none, for who may change settings (R-DCK-86)', async () => {
    assert.match(
      await done(['deliveries', project]),
      /When +Forge +Event +Delivery +What became of it\n.* git +push +[0-9a-f]{12,}…? +run 1\n$/,
    );
    const [row, ...more] = parsed<DeliveryJson>(await done(['deliveries', '--json', ...on]));
    assert.deepEqual([row?.forge, row?.event, row?.result?.kind, row?.result?.numbers, more], ['git', 'push', 'done', [1], []]);
    const quiet = 'acme/quiet';
    await done(['projects', 'add', quiet, '--clone-url', 'https://git.example.org/acme/quiet.git']);
    assert.equal(await done(['deliveries', quiet]), `Nothing was told of ${quiet} yet.\n`);
    await done(['projects', 'remove', quiet, '--yes']);
    await refused('PROJECT_UNKNOWN', ['deliveries', project], { token: '' });
  });

  it('upstreams are added, listed with what they come after, and removed; one that is not there or may not be seen is refused', async () => {
    assert.match(await done(['upstreams', ...on]), /acme\/app begins after no other pipeline\./);
    const up = 'acme/library';
    await done(['projects', 'add', up, '--clone-url', 'https://git.example.org/acme/library.git']);
    const added = await done([
      'upstreams',
      'add',
      up,
      '--after-pipeline',
      'build',
      '--after-branch',
      'refs/heads/main',
      '--target',
      'build',
      ...on,
    ]);
    assert.match(added, /^acme\/app has the upstream [0-9a-f]{8} now: acme\/library, build on main\.\n$/);
    await done(['upstreams', 'add', up, '--ref', 'main', '--pipeline', 'nightly', ...on]);
    type Row = { readonly id: string; readonly after: object; readonly wants: object; readonly by: string };
    const rows = parsed<Row>(await done(['upstreams', 'list', '--json', ...on]));
    assert.deepEqual(
      rows.map(({ after, wants, by }) => [after, wants, by]),
      [
        [{ project: up, pipeline: 'build', branch: 'main' }, { target: 'build' }, 'ada'],
        [{ project: up }, { ref: 'refs/heads/main', pipeline: 'nightly' }, 'ada'],
      ],
    );
    const shown = await done(['upstreams', ...on]);
    assert.match(shown, /Upstream +After +Runs +By +When/);
    assert.match(shown, /[0-9a-f]{8} +acme\/library +nightly, main +ada +\d{4}-/);

    await refused('UPSTREAM_UNKNOWN', ['upstreams', 'add', 'acme/never', ...on]);
    assert.match(
      await refused('UPSTREAM_CIRCLE', ['upstreams', 'add', project, ...on]),
      /acme\/app would come after itself: acme\/app → acme\/app\./,
    );
    assert.match(await refused('USAGE', ['upstreams', 'add', 'library', ...on]), /OWNER\/NAME/);
    const id = rows[0]?.id ?? '';
    assert.match(
      await refused('USAGE', ['upstreams', 'remove', 'nothing', ...on]),
      /There is no upstream "nothing"\. .*\n.*"cion upstreams" lists them/,
    );
    assert.equal(
      await done(['upstreams', 'remove', id.slice(0, 8), ...on]),
      `acme/app has the upstream ${id.slice(0, 8)} (acme/library, build on main) no more.\n`,
    );
    assert.equal(parsed(await done(['upstreams', '--json', ...on])).length, 1);
    await done(['projects', 'remove', up, '--yes']);
    assert.match(await done(['upstreams', ...on]), /begins after no other pipeline/);
  });

  it('a subscription is tested by a real message, signed as all are, and what came of it is said and listed', async (t) => {
    let status = 500;
    const receiver = await httpServer(t, (response) => void response.writeHead(status).end());
    const { out: secret } = await cion(['subscriptions', 'add', 'http', '--no-results', ...on], {
      input: `${receiver.url}/very-secret-path`,
    });
    const [row] = parsed<{ readonly id: string }>(await done(['subscriptions', '--json', ...on]));
    const id = row?.id ?? '';
    const failed = await cion(['subscriptions', 'test', id.slice(0, 6), ...on]);
    assert.equal(failed.code, 1, failed.err);
    assert.match(
      failed.out,
      /^The test of [0-9a-f]{8} \(http, 127\.0\.0\.1:\d+\) was not delivered: 127\.0\.0\.1:\d+ answered 500\. It is tried again at .*\. See "cion subscriptions letters [0-9a-f]{8}"\.\n$/,
    );
    status = 204;
    assert.match(
      await done(['subscriptions', 'test', id, ...on]),
      /^The test of [0-9a-f]{8} \(http, 127\.0\.0\.1:\d+\) was delivered\.\n$/,
    );
    const { headers, body } = receiver.asked.at(-1) ?? assert.fail();
    const told = JSON.parse(body) as Readonly<Record<string, unknown>>;
    assert.deepEqual(
      [told['event'], told['project'], told['subscription'], told['by'], told['id']],
      ['subscription.tested', project, id, 'ada', headers['x-cion-delivery']],
    );
    const signature = createHmac('sha256', secret.trim())
      .update(`${String(headers['x-cion-timestamp'])}.${body}`)
      .digest('hex');
    assert.equal(headers['x-cion-signature-256'], `sha256=${signature}`);
    for (const hidden of ['very-secret-path', secret.trim()]) assert.ok(!`${body}${failed.out}`.includes(hidden));
    assert.match(await done(['subscriptions', 'letters', id, ...on]), /test +sent +1 .*\n +test +waiting +1 .*answered 500/);
    const letter = parsed<{ readonly state: string }>(await done(['subscriptions', 'test', id, '--json', ...on]));
    assert.deepEqual(
      letter.map(({ state }) => state),
      ['sent'],
    );
    await refused('USAGE', ['subscriptions', 'test', 'nothing', ...on]);
    await done(['subscriptions', 'remove', id, ...on]);
  });

  it('who is told is added with an address from stdin, and what is told is signed with the secret that was printed once', async () => {
    const address = `${told.url}/hooks/very-secret-path`;
    const added = await cion(['subscriptions', 'add', 'http', '--outcome', 'cancelled,failed', '--branch', 'main', ...on], {
      input: `${address}\n`,
    });
    assert.equal(added.code, 0, added.err);
    assert.match(added.out, /^[\w-]{43}\n$/);
    assert.match(added.err, /has the subscription [0-9a-f]{8} \(http\) now\. What is sent is signed with this/);
    assert.match(await done(['subscriptions', 'add', 'slack', '--no-results', ...on], { input: address }), /\(slack\) now\.\n$/);
    const asArgument = await refused('USAGE', ['subscriptions', 'add', 'slack', address, ...on]);
    assert.match(asArgument, /read from stdin/);
    assert.match(await refused('MAIL_NONE', ['subscriptions', 'add', 'mail', 'ada@example.org', ...on]), /no mail server/);
    assert.match(await refused('USAGE', ['subscriptions', 'add', 'mail', ...on]), /To whom\?/);
    assert.match(await refused('USAGE', ['subscriptions', 'add', 'http', '--no-results', '--no-gates', ...on]), /nothing is told/);

    type Row = {
      readonly id: string;
      readonly way: string;
      readonly wants: { readonly outcomes: readonly string[]; readonly results: boolean };
    };
    const rows = parsed<Row>(await done(['subscriptions', '--json', ...on]));
    assert.deepEqual(Object.fromEntries(rows.map(({ way, wants }) => [way, [wants.outcomes, wants.results]])), {
      http: [['cancelled', 'failed'], true],
      slack: [[], false],
    });
    const shown = await done(['subscriptions', ...on]);
    assert.match(shown, /http +127\.0\.0\.1:\d+ +cancelled, failed, gates, of main/);
    assert.equal(shown.includes('very-secret-path'), false);

    const [http, slack] = ['http', 'slack'].map((way) => rows.find((row) => row.way === way)?.id ?? assert.fail());
    assert.match(await done(['subscriptions', 'letters', slack ?? '', ...on]), /Nothing was sent/);
    assert.match(await done(['queue']), /^ *Run .*\n *acme\/app#1 +build +waits/);
    await done(['cancel', '1', ...on]);
    while (told.asked.length === 0) await sleep(20);
    const [{ headers, body } = assert.fail()] = told.asked;
    const signature = createHmac('sha256', added.out.trim())
      .update(`${String(headers['x-cion-timestamp'])}.${body}`)
      .digest('hex');
    assert.equal(headers['x-cion-signature-256'], `sha256=${signature}`);
    let letters = '';
    while (!/ sent /.test(letters)) letters = await done(['subscriptions', 'letters', http ?? '', ...on]);
    assert.match(letters, /finished +run_\w+ +sent +1/);
    for (const id of [http, slack]) await done(['subscriptions', 'remove', id ?? '', ...on]);
    assert.match(await done(['subscriptions', ...on]), /Nobody is told of acme\/app\./);
  });

  it('all settings of a project are shown, each changed without the others, and taken back', async () => {
    const settings = (...args: readonly string[]) => done(['projects', 'settings', project, ...args]);
    const json = async (...args: readonly string[]) => JSON.parse(await settings('--json', ...args)) as Readonly<Record<string, unknown>>;
    const before = await settings();
    for (const row of [
      /Default branch +main/,
      /Seen by +private/,
      /Triggers +push, tag, pull-request/,
      /Branches +all/,
      /Paths +all/,
      /Commits +newest/,
      /Priority +0/,
      /Labels +none/,
      /Limit +none/,
      /Approval of forks +always/,
    ])
      assert.match(before, row);
    const first = await json();
    const changed = await json(
      ...['--branches', 'main', '--branches', '!wip/**', '--paths', 'src/**', '--triggers', 'push,tag', '--commits', 'all'],
      ...[
        '--priority',
        '-5',
        '--labels',
        'arm64',
        '--labels',
        'big',
        '--limit',
        '3',
        '--default-branch',
        'trunk',
        '--visibility',
        'public',
      ],
    );
    assert.deepEqual(changed, {
      ...first,
      branches: ['main', '!wip/**'],
      paths: ['src/**'],
      triggers: ['push', 'tag'],
      commits: 'all',
      priority: -5,
      labels: ['arm64', 'big'],
      limit: 3,
      defaultBranch: 'trunk',
      visibility: 'public',
    });
    assert.deepEqual(await json('--limit', '4'), { ...changed, limit: 4 });
    assert.deepEqual(
      await json('--all-branches', '--all-paths', '--no-labels', '--no-limit', '--no-triggers', '--priority', '0', '--commits', 'newest'),
      { ...first, triggers: [], defaultBranch: 'trunk', visibility: 'public' },
    );
    assert.deepEqual((await server.asked<{ settings: object }>('GET', '/api/projects/acme/app/settings')).settings, {
      branches: [],
      paths: [],
      triggers: [],
      commits: 'newest',
      priority: 0,
      labels: [],
      approveForks: 'always',
    });
    assert.match(await refused('REQUEST_INVALID', ['projects', 'settings', project, '--labels', 'a b']), /labels/);
    await refused('USAGE', ['projects', 'settings', '../auth/sessions']);
  });

  it('a project is removed by who types its name, or says --yes where nobody can', { skip: noTerminal() ?? false }, async (t) => {
    const name = 'acme/gone';
    await done(['projects', 'add', name, '--clone-url', 'https://git.example.org/acme/gone.git']);
    assert.match(
      await refused('USAGE', ['projects', 'remove', name], { input: `${name}\n` }),
      /secrets and schedules, for ever.*\n +.*--yes/,
    );
    await refused('PROJECT_UNKNOWN', ['projects', 'remove', 'acme/never', '--yes']);
    const typed = async (text: string): Promise<string> => {
      const terminal = startTerminal(`"$NODE" "$MAIN" projects remove ${name}`, {
        columns: 120,
        rows: 20,
        cwd: server.cwd,
        env: { ...env(), NODE: process.execPath, MAIN: main },
      });
      t.after(() => terminal.end());
      await terminal.shows(/Type its name to remove it:/);
      terminal.type(text);
      await terminal.ended;
      return terminal.screen.history();
    };
    assert.match(await typed('acme/app\r'), /That is not its name: acme\/gone stays\./);
    assert.match(await typed('\u0004'), /acme\/gone stays\./);
    assert.match(await done(['projects']), /acme\/gone/);
    assert.match(await typed(`${name}\r`), /acme\/gone is no project any more\./);
    await done(['projects', 'add', name, '--clone-url', 'https://git.example.org/acme/gone.git']);
    assert.match(await done(['projects', 'remove', name, '--yes']), /is no project any more/);
    assert.equal((await done(['projects'])).includes(name), false);
  });
});
