import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { tarEnd, tarHeader, tarPadding } from '../../lib/tar-header.ts';
import { failed, gateOf, passed, planOf, preparing, stageOf, startedNow } from '../../server/dispatch/testing/served.ts';
import { explain } from '../../server/dispatch/why.ts';
import { finishedSummary, type RunServer, runServer } from '../../server/testing/run-server.ts';
import { testProject } from '../../server/testing/test-server.ts';

const main = join(import.meta.dirname, '../../main.ts');
const home = mkdtempSync(join(tmpdir(), 'cion-remote-'));

type Options = { readonly as?: string; readonly cwd?: string; readonly env?: Record<string, string>; readonly input?: string };

const start = (server: string | undefined, args: readonly string[], { as = 'ada', cwd = home, env = {}, input = '' }: Options = {}) => {
  const child = spawn(process.execPath, ['--', main, ...args], {
    cwd,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      ...(server === undefined ? {} : { CION_SERVER: server }),
      ...(as === '' ? {} : { CION_TOKEN: `cion_account:${as}` }),
      ...env,
    },
  });
  child.stdin.end(input);
  const ended = Promise.all([buffer(child.stdout), buffer(child.stderr), once(child, 'exit')]).then(([out, err, [code]]) => ({
    code: code as number,
    bytes: out,
    out: out.toString(),
    err: err.toString(),
  }));
  const wrote = async (text: string): Promise<void> => {
    let seen = '';
    for await (const [chunk] of on(child.stdout)) if ((seen += chunk).includes(text)) return;
  };
  return { child, ended, wrote };
};
const on = async function* (stream: Readable): AsyncGenerator<readonly [string]> {
  const waiting: string[] = [];
  let wake = (): void => {};
  stream.on('data', (chunk: Buffer) => {
    waiting.push(chunk.toString());
    wake();
  });
  for (;;) {
    const next = waiting.shift();
    if (next === undefined) await new Promise<void>((resolve) => (wake = resolve));
    else yield [next];
  }
};

describe('commands on a server', () => {
  let server: RunServer;
  const asked: unknown[] = [];
  before(async () => {
    server = await runServer({
      beginRun: async (request) => {
        asked.push(request);
        return { kind: 'created', run: await server.runs.plan(planOf([stageOf('build')])) };
      },
      why: async (state, node) => [explain({ state, queue: await server.runs.store.queue.list(), workers: [] }).get(node) ?? ''],
    });
    server.projects.set('acme/app', { ...(server.projects.get('acme/app') ?? assert.fail()), cloneUrl: 'git@git.example:Acme/App.git' });
  });
  after(async () => {
    await server.close();
    rmSync(home, { recursive: true, force: true });
  });
  const cion = (args: readonly string[], options?: Options) => start(server.url, args, options).ended;
  const on = ['--on', 'acme/app'] as const;
  const numberOf = async (run: string): Promise<string> => String((await server.runs.state(run))?.number);

  /** A run of one stage that wrote and failed. */
  const failedRun = async (log = 'built\n') => {
    const run = await server.runs.plan(planOf([stageOf('build'), stageOf('test', ['build'])]));
    const [claimed] = await server.runs.claim();
    assert.ok(claimed);
    await server.carry(claimed, failed(claimed), log);
    return { run, number: await numberOf(run) };
  };

  it('show a run, list runs, and give its events, as of this machine', async () => {
    const { run, number } = await failedRun();
    const shown = await cion(['show', number, ...on]);
    assert.equal(shown.code, 0, shown.err);
    assert.match(shown.out, new RegExp(`^✗ Run ${number} of acme/app failed\\n`));
    assert.match(shown.out, /build .*✗ failed/);
    assert.match(shown.out, /test .*Skipped, because/);
    assert.deepEqual((await cion(['show', run.slice(0, 8), ...on])).out, shown.out);
    const events = (await cion(['show', number, '--json', ...on])).out.trim().split('\n');
    assert.deepEqual(
      events.map((line) => JSON.parse(line) as unknown),
      await server.runs.events(run),
    );
    const listed = await cion(['runs', ...on]);
    assert.match(listed.out, new RegExp(`^ +${number}  ✗ failed +c0ffee`, 'm'));
    const rows = (await cion(['runs', '--json', '--outcome', 'failed', ...on])).out.trim().split('\n');
    assert.equal((JSON.parse(rows[0] ?? '') as { readonly run: string }).run, run);
  });

  it('find the project that is cloned from where the repository here is, whatever the form of the address', async () => {
    const { number } = await failedRun();
    const repository = mkdtempSync(join(home, 'app-'));
    const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: repository, stdio: 'ignore' });
    git('init', '-q');
    git('remote', 'add', 'origin', 'https://somebody:hunter2@git.example/acme/app');
    const found = await cion(['show', number, '--server'], { cwd: repository });
    assert.match(found.out, /of acme\/app failed/, found.err);
    git('remote', 'set-url', 'origin', 'https://somebody:hunter2@git.example/acme/gone');
    const unknown = await cion(['show', '--server'], { cwd: repository });
    assert.deepEqual([unknown.code, unknown.out], [2, '']);
    assert.match(unknown.err, /has no project of git\.example\/acme\/gone\. \[PROJECT_UNNAMED\]\n.*--on OWNER\/NAME/);
    assert.equal(unknown.err.includes('hunter2'), false);
  });

  it('take the name of a project in a group of groups, and none that leads elsewhere', async () => {
    server.projects.set('acme/tools/cli', { ...testProject('acme/tools/cli'), cloneUrl: 'https://git.example/acme/tools/cli.git' });
    server.guard.grant('ada', 'acme/tools/cli', 'read', 'run');
    const run = await server.runs.plan(planOf([stageOf('build')]), { project: 'acme/tools/cli' });
    for (const claimed of await server.runs.claim()) await server.carry(claimed, failed(claimed), 'nested\n');
    const number = await numberOf(run);
    const nested = ['--on', 'acme/tools/cli'] as const;
    assert.match((await cion(['show', number, ...nested])).out, /^✗ Run \d+ of acme\/tools\/cli failed/);
    assert.match((await cion(['logs', number, 'build', ...nested])).out, /nested/);
    assert.match((await cion(['projects'])).out, /acme\/tools\/cli/);
    const repository = mkdtempSync(join(home, 'cli-'));
    execFileSync('git', ['init', '-q'], { cwd: repository });
    execFileSync('git', ['remote', 'add', 'origin', 'git@git.example:acme/tools/cli.git'], { cwd: repository });
    assert.match((await cion(['show', number, '--server'], { cwd: repository })).out, /of acme\/tools\/cli failed/);
    for (const args of [
      ['show', '1', '--on', 'acme/../../auth/sessions'],
      ['projects', 'remove', '../auth'],
    ]) {
      const refused = await cion(args);
      assert.deepEqual([refused.code, refused.out], [2, ''], args.join(' '));
      assert.match(refused.err, /is no name of a project.*\[USAGE\]\n.*OWNER\/NAME/);
    }
  });

  it('stay on this machine without --server, whatever server is known', async () => {
    const local = await start('http://127.0.0.1:9', ['runs']).ended;
    assert.deepEqual([local.code, local.out], [0, 'There are no runs yet. Start one: cion run\n'], local.err);
  });

  it('give the bytes of a log as they were written, each stream to its own', async () => {
    const run = await server.runs.plan(planOf([stageOf('build')]));
    const [claimed] = await server.runs.claim();
    assert.ok(claimed);
    const key = { run, stage: 'build', attempt: 1 };
    const writer = await server.results.begin(key, 1000);
    const bytes = Buffer.from([0, 255, 13, 10, 27, 254]);
    await writer.append({ stream: 'stdout', bytes, at: 1 });
    await writer.append({ stream: 'stderr', bytes: Buffer.from('to stderr\n'), at: 2 });
    const number = await numberOf(run);
    await server.runs.tell(claimed, 1, [preparing(claimed), startedNow(claimed)]);
    const sofar = await cion(['logs', number, 'build', ...on]);
    assert.deepEqual([sofar.code, sofar.bytes, sofar.err], [0, bytes, 'to stderr\n']);

    const following = start(server.url, ['logs', number, 'build', '-f', ...on]);
    const seen = following.wrote('more');
    await writer.append({ stream: 'stdout', bytes: Buffer.from('more'), at: 3 });
    await seen;
    await writer.close();
    await server.results.finish(key, finishedSummary);
    await server.runs.tell(claimed, 2, [passed(claimed)]);
    const end = await following.ended;
    assert.deepEqual([end.code, end.bytes], [0, Buffer.concat([bytes, Buffer.from('more')])]);
    assert.deepEqual((await cion(['logs', number, ...on])).bytes, end.bytes);
  });

  it('go on with a log where it was when the connection is cut', async () => {
    const run = await server.runs.plan(planOf([stageOf('build')]));
    const [claimed] = await server.runs.claim();
    assert.ok(claimed);
    const key = { run, stage: 'build', attempt: 1 };
    const writer = await server.results.begin(key, 1000);
    await writer.append({ stream: 'stdout', bytes: Buffer.from('first '), at: 1 });
    await server.runs.tell(claimed, 1, [preparing(claimed), startedNow(claimed)]);
    const between = await cutting(server.url);
    const following = start(between.url, ['logs', await numberOf(run), 'build', '-f', ...on]);
    await following.wrote('first ');
    between.cut();
    await writer.append({ stream: 'stdout', bytes: Buffer.from('second '), at: 2 });
    await writer.close();
    await server.results.finish(key, finishedSummary);
    await server.runs.tell(claimed, 2, [passed(claimed)]);
    const end = await following.ended;
    between.close();
    assert.deepEqual([end.code, end.bytes.toString()], [0, 'first second '], end.err);
  });

  it('run on the server, show it as if it ran here, and end with the code that says how it ended (R-CIO-03)', async () => {
    const running = start(server.url, ['run', 'build', '--ref', 'feature/x', '-e', 'A=1', '--pipeline', 'cion', ...on]);
    await running.wrote('Pipeline cion');
    const [claimed] = await server.runs.claim();
    assert.ok(claimed);
    assert.deepEqual(asked.at(-1), {
      project: 'acme/app',
      ref: 'refs/heads/feature/x',
      pipeline: 'cion',
      stages: ['build'],
      variables: { A: '1' },
      trigger: { kind: 'manual', by: 'ada', ref: 'refs/heads/feature/x' },
    });
    await server.carry(claimed, failed(claimed), 'half a line');
    const end = await running.ended;
    assert.equal(end.code, 1, end.err);
    assert.match(end.out, /build +: Started[^]*build +\| half a line\n[^]*build +: Failed[^]*✗ Run \d+ failed/);
    assert.match(end.out, /cion rerun \d+ --failed --on acme\/app/);

    const detached = await cion(['run', '--detach', '--json', ...on]);
    const { run } = JSON.parse(detached.out) as { readonly run: string };
    assert.notEqual((await server.runs.state(run))?.phase, 'finished');
    const cancelled = await cion(['cancel', ...on]);
    assert.equal(cancelled.code, 0, cancelled.err);
    assert.equal((await server.runs.state(run))?.cancel?.by, 'ada');
  });

  it('cancel the run on the server when the one who stays with it presses Ctrl-C', async () => {
    const running = start(server.url, ['run', ...on]);
    await running.wrote('Pipeline cion');
    running.child.kill('SIGINT');
    const end = await running.ended;
    assert.equal(end.code, 130, end.out + end.err);
  });

  it('run again what failed', async () => {
    const { number, run } = await failedRun();
    const again = start(server.url, ['rerun', number, '--failed', ...on]);
    await again.wrote('again');
    for (const name of ['build', 'test']) {
      const [claimed] = await server.runs.claim();
      assert.equal(claimed?.work.stage.name, name);
      if (claimed !== undefined) await server.carry(claimed, passed(claimed));
    }
    const end = await again.ended;
    assert.deepEqual([end.code, (await server.runs.state(run))?.outcome], [0, 'passed'], end.err);
    const nothing = await cion(['rerun', number, '--failed', ...on]);
    assert.match(nothing.out, /there is nothing to run again/);
  });

  it('approve and reject a gate in the name of who is logged in, and say no to who may not (R-DCO-36)', async () => {
    const gated = () => server.runs.plan(planOf([gateOf('ship'), stageOf('deploy', ['ship'])]));
    const run = await gated();
    const number = await numberOf(run);
    const refused = await cion(['approve', number, 'ship', ...on], { as: 'eve' });
    assert.equal(refused.code, 2);
    assert.match(refused.err, /\[FORBIDDEN\]/);
    const done = await cion(['approve', 'ship', '--reason', 'looks good', ...on]);
    assert.deepEqual([done.code, done.out], [0, `Run ${number}: ship is approved.\n`], done.err);
    const gate = (await server.runs.state(run))?.nodes.get('ship');
    assert.deepEqual(gate?.kind === 'gate' && [gate.decision?.by, gate.decision?.reason], ['ada', 'looks good']);
    const other = await gated();
    assert.equal((await cion(['reject', await numberOf(other), 'ship', ...on])).code, 0);
    assert.deepEqual(await server.runs.outcomes(other), { ship: 'failed', deploy: 'skipped' });
    assert.match((await cion(['approve', number, 'ship', '--by', 'root', ...on])).err, /\[USAGE\]/);
    const [deploy] = await server.runs.claim();
    assert.ok(deploy);
    await server.carry(deploy, passed(deploy));
  });

  it('approve the one gate that is open without asking which, and ask when several are (R-DCO-36)', async () => {
    const gated = () => server.runs.plan(planOf([gateOf('ship'), stageOf('deploy', ['ship'])]));
    const nothing = await cion(['approve', ...on]);
    assert.deepEqual([nothing.code, nothing.out], [2, '']);
    assert.match(nothing.err, /Nothing waits for somebody to decide it\. \[GATE_CLOSED\]/);
    const [one, other] = [await gated(), await gated()];
    const [first, second] = [await numberOf(one), await numberOf(other)];
    const several = await cion(['approve', ...on]);
    assert.deepEqual([several.code, several.out], [2, '']);
    assert.match(several.err, new RegExp(`Which gate\\? \\[USAGE\\]\n.*These wait: "ship" of run ${second}, "ship" of run ${first}\\.`));
    assert.deepEqual(await server.runs.outcomes(one), { ship: 'running', deploy: 'waiting' });
    const ofRun = await cion(['approve', first, ...on]);
    assert.deepEqual([ofRun.code, ofRun.out], [0, `Run ${first}: ship is approved.\n`], ofRun.err);
    const rest = await cion(['reject', ...on]);
    assert.deepEqual([rest.code, rest.out], [0, `Run ${second}: ship is rejected.\n`], rest.err);
    const [deploy] = await server.runs.claim();
    assert.ok(deploy);
    await server.carry(deploy, passed(deploy));
  });

  it('list what stages left, and give it back as it was', async () => {
    const run = await server.runs.plan(planOf([stageOf('build')]));
    const [claimed] = await server.runs.claim();
    assert.ok(claimed);
    const key = { run, stage: 'build', attempt: 1 };
    await (await server.results.begin(key, 1)).close();
    const content = Buffer.from([0, 1, 255]);
    const name = Buffer.from('a b.bin');
    const artifacts = await server.results.putArtifacts(
      key,
      Readable.from([tarHeader({ name, kind: 'file', mode: 0o644, at: 0, bytes: 3 }), content, tarPadding(3), tarEnd()]),
    );
    assert.ok(artifacts);
    await server.results.finish(key, { ...finishedSummary, hasArtifacts: true });
    const { stage, attempt } = key;
    await server.runs.tell(claimed, 1, [
      preparing(claimed),
      startedNow(claimed),
      { kind: 'stage.finished', stage, attempt, outcome: 'passed', artifacts },
    ]);
    const number = await numberOf(run);
    assert.match((await cion(['artifacts', number, ...on])).out, /a b\.bin/);
    assert.deepEqual((await cion(['artifacts', number, '--get', 'a b.bin', ...on])).bytes, content);
    const into = join(home, 'left');
    assert.equal((await cion(['artifacts', number, 'build', '--extract', into, ...on])).code, 0);
    assert.deepEqual(readFileSync(join(into, 'a b.bin')), content);
  });

  it('say why a stage waits, what is in the queue, and what was deployed', async () => {
    const deploys = { environment: 'live' };
    const first = await server.runs.plan(planOf([stageOf('ship', [], { deploys })]));
    const [claimed] = await server.runs.claim();
    assert.ok(claimed);
    await server.carry(claimed, passed(claimed));
    const run = await server.runs.plan(planOf([stageOf('build'), stageOf('test', ['build'])]));
    const number = await numberOf(run);
    assert.equal((await cion(['why', number, 'test', ...on])).out, 'It waits for "build" to pass.\n');
    assert.match(
      (await cion(['why', number, ...on])).out,
      /^It is under way.*\nbuild: It is queued, and no worker is connected\.\ntest: It waits/,
    );
    assert.match((await cion(['why', number, 'nothing', ...on])).err, /\[STAGE_UNKNOWN\]/);
    assert.match((await cion(['queue', '--server', server.url])).out, new RegExp(`acme/app#${number} +build +waits`));
    const [item] = (await cion(['queue', '--json'])).out.split('\n');
    assert.equal((JSON.parse(item ?? '') as { readonly number: number }).number, Number(number));
    assert.match((await cion(['deployments', ...on])).out, new RegExp(`live +c0ffee.* ${await numberOf(first)} +ship`));
    const now = JSON.parse((await cion(['deployments', '--at', 'live', '--json', ...on])).out) as { readonly run: string };
    assert.equal(now.run, first);
    assert.match((await cion(['deployments', '--at', 'moon', ...on])).out, /Nothing was deployed to moon yet/);
    assert.match((await cion(['diff', 'live', 'live', ...on])).out, /The same is at live and live\./);
    await cion(['cancel', number, ...on]);
  });

  it('say in one sentence what is wrong, and tell apart by the exit code who has to do something about it', async () => {
    const wrong = async (args: readonly string[], options?: Options, url = server.url) => {
      const { code, out, err } = await start(url, args, options).ended;
      assert.equal(out, '');
      assert.equal(err.includes('This is a fault of cion'), false, err);
      return `${code} ${/\[(\w+)\]/.exec(err)?.[1]} ${err.split('\n').length - 1}`;
    };
    assert.equal(await wrong(['show', '999', ...on]), '2 RUN_UNKNOWN 2');
    assert.match((await cion(['why', '999', ...on])).err, /acme\/app has no run 999\.[^]*"cion runs --server --on acme\/app" lists them\./);
    assert.equal(await wrong(['show', 'nonsense', ...on]), '2 RUN_UNKNOWN 2');
    assert.equal(await wrong(['runs', '--on', 'acme/none']), '2 PROJECT_UNKNOWN 2');
    assert.equal(await wrong(['run', ...on], { as: 'eve' }), '2 FORBIDDEN 2');
    assert.equal(await wrong(['runs', ...on], { as: '' }), '2 PROJECT_UNKNOWN 2');
    assert.equal(await wrong(['runs', '--on', 'nonsense']), '2 USAGE 2');
    const closed = await cutting(server.url);
    closed.close();
    assert.equal(await wrong(['runs', ...on], {}, closed.url), '3 SERVER_UNREACHABLE 2');
    server.guard.public.add('acme/other');
    assert.equal(await wrong(['run', '--on', 'acme/other'], { as: '' }), '2 LOGIN_REQUIRED 2');
  });
});

/** Something between a client and a server that can cut all connections. */
const cutting = async (to: string) => {
  const sockets = new Set<Socket>();
  const { port } = new URL(to);
  const { connect } = await import('node:net');
  const between = createServer((near) => {
    const far = connect(Number(port), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => [near, far].map((each) => each.destroy()));
    }
    near.pipe(far).pipe(near);
  });
  between.listen(0, '127.0.0.1');
  await once(between, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    url: `http://127.0.0.1:${(between.address() as AddressInfo).port}`,
    cut,
    close: () => {
      cut();
      between.close();
    },
  };
};
