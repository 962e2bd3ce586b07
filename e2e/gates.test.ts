import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from '../src/runtimes/docker/engine/connect.ts';
import { findEndpoint } from '../src/runtimes/docker/engine/endpoint.ts';
import { cion as anyCion, startCion } from './cli.ts';
import { directory, repository, writeFiles } from './repository.ts';

const namespace = `e2e-gates-${process.pid}`;
const env = { CION_NAMESPACE: namespace };
const cion = (cwd: string, ...args: readonly string[]) => anyCion(args, { cwd, env });
const start = (cwd: string, ...args: readonly string[]) => startCion(args, { cwd, env });

const engine = await connect(findEndpoint(process.env), AbortSignal.timeout(30_000));
after(async () => {
  await engine.close();
  await cion(tmpdir(), 'clean', '--all-projects');
});

const containers = async (): Promise<number> => {
  const filters = JSON.stringify({ label: [`cion.namespace=${namespace}`] });
  return (await engine.json<readonly unknown[]>('GET', '/containers/json', { query: { all: true, filters } })).length;
};

const stages = (entries: Readonly<Record<string, object>>) => ({ '.cion.yml': JSON.stringify({ stages: entries }) });
const says = (text: string, more: object = {}) => ({ image: 'busybox:latest', run: `echo ${text}`, ...more });
const person = (more: object = {}) => ({ gate: 'person', ...more });

type Event = { readonly kind: string; readonly [key: string]: unknown };
const eventsOf = async (cwd: string, run = '1'): Promise<readonly Event[]> =>
  (await cion(cwd, 'show', run, '--json')).out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
const decisionIn = (events: readonly Event[]): { readonly at: number; readonly [key: string]: unknown } => {
  const decided = events.find(({ kind }) => kind === 'gate.decided');
  assert.ok(decided !== undefined);
  return decided['decision'] as { readonly at: number };
};
const kindsOf = async (cwd: string, run = '1'): Promise<readonly string[]> => (await eventsOf(cwd, run)).map(({ kind }) => kind);
const newest = async (cwd: string) => JSON.parse((await cion(cwd, 'runs', '--json')).out.split('\n')[0] ?? '');

/** Refused with this code: exit 2, and nothing changed. */
const refused = async (code: string, message: RegExp, cwd: string, ...args: readonly string[]): Promise<void> => {
  const { code: exit, err } = await cion(cwd, ...args);
  assert.deepEqual([exit, err.includes(`[${code}]`)], [2, true], err);
  assert.match(err, message);
};

test('a gate before everything: the run waits, nothing runs, and a click from another terminal starts it (R-DCO-35, R-DCO-36)', async (t) => {
  const cwd = repository(
    t,
    stages({ 'human-click': person(), build: says('built', { needs: 'human-click' }), deploy: says('deployed', { needs: 'build' }) }),
  );
  const run = start(cwd, 'run');
  await run.wrote('Waits for somebody to approve it (cion approve 1 human-click).');
  const waiting = await newest(cwd);
  assert.deepEqual([waiting.phase, waiting.waitsAt], ['waiting', ['human-click']]);
  assert.match((await cion(cwd, 'runs')).out, /waiting for human-click/);
  assert.match((await cion(cwd, 'show')).out, /Waits for somebody to approve it \(cion approve 1 human-click\)/);
  assert.deepEqual(
    (await kindsOf(cwd)).filter((kind) => kind.startsWith('stage.')),
    [],
  );
  assert.equal(await containers(), 0);

  const before = Date.now();
  const answer = await cion(cwd, 'approve', 'human-click', '--by', 'anna', '--reason', 'it is "Friday"');
  assert.deepEqual([answer.code, answer.out], [0, 'Run 1: human-click is approved.\n'], answer.err);
  const ended = await run.ended;
  assert.equal(ended.code, 0, ended.stderr.toString());
  assert.match(ended.stdout.toString(), /Approved by anna \("it is "Friday""\)\./);
  const events = await eventsOf(cwd);
  const decided = events.findIndex(({ kind }) => kind === 'gate.decided');
  const { at, ...decision } = decisionIn(events);
  assert.deepEqual(decision, { kind: 'approved', by: 'anna', reason: 'it is "Friday"' });
  assert.ok(at >= before && at <= Date.now());
  assert.ok(decided < events.findIndex(({ kind }) => kind === 'stage.queued'));
  assert.match((await cion(cwd, 'show')).out, /human-click +Approved by anna \("it is "Friday""\), \d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
  await refused('GATE_DECIDED', /already decided: approved by anna .*, at \d{4}-/, cwd, 'reject', '1', 'human-click');
});

test('a gate of one stage holds only what needs it, and can be refused (R-DCO-37)', async (t) => {
  const cwd = repository(
    t,
    stages({
      build: says('built'),
      'deploy-ok': person({ needs: 'build' }),
      deploy: says('deployed', { needs: ['build', 'deploy-ok'] }),
      other: says('other', { needs: 'build' }),
    }),
  );
  const run = start(cwd, 'run', '--concurrency', '2');
  await run.wrote('cion approve 1 deploy-ok');
  await run.wrote('| other');
  const answer = await cion(cwd, 'reject', '1', 'deploy-ok', '--by', 'bob');
  assert.equal(answer.out, 'Run 1: deploy-ok is rejected.\n', answer.err);
  const { code, stdout } = await run.ended;
  assert.equal(code, 1);
  assert.match(stdout.toString(), /deploy-ok +failed +Rejected by bob/);
  assert.match(stdout.toString(), /deploy +skipped +/);
  assert.ok(!(await eventsOf(cwd)).some((event) => event.kind === 'stage.queued' && event['stage'] === 'deploy'));
});

test('a gate that nobody decides in time ends its stage as skipped and the run as failed (R-DCO-37)', async (t) => {
  const cwd = repository(t, stages({ ok: person({ timeout: '1s' }), deploy: says('deployed', { needs: 'ok' }) }));
  const { code, out } = await cion(cwd, 'run', '--runtime', 'fake');
  assert.equal(code, 1);
  assert.match(out, /ok +: Nobody decided in time\./);
  assert.match(out, /deploy +skipped +/);
  await refused('GATE_DECIDED', /nobody decided in time/, cwd, 'approve', '1', 'ok');
});

test('kill -9 while a gate waits, approved while nothing runs: resume goes on and runs nothing twice (R-DCO-36)', async (t) => {
  const cwd = repository(t, stages({ build: says('built'), ok: person({ needs: 'build' }), deploy: says('deployed', { needs: 'ok' }) }));
  const run = start(cwd, 'run');
  await run.wrote('cion approve 1 ok');
  run.process.kill('SIGKILL');
  await run.ended;
  const answer = await cion(cwd, 'approve', 'ok', '--by', 'anna');
  assert.match(answer.out, /^Run 1: ok is approved\. Its process is gone: cion resume 1 goes on with it\.\n$/);
  await refused('GATE_DECIDED', /already decided: approved by anna/, cwd, 'approve', '1', 'ok', '--by', 'bob');
  const resumed = await cion(cwd, 'resume');
  assert.equal(resumed.code, 0, resumed.err);
  assert.match(resumed.out, /ok +: Approved by anna\./);
  const events = await eventsOf(cwd);
  assert.equal(events.filter(({ kind }) => kind === 'gate.decided').length, 1);
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'stage.started').map((event) => event['stage']),
    ['build', 'deploy'],
  );
  assert.equal(await containers(), 0);
});

test('killed while a gate waits and resumed without an answer: it waits on, and says for what', async (t) => {
  const cwd = repository(t, stages({ ok: person(), deploy: says('deployed', { needs: 'ok' }) }));
  const run = start(cwd, 'run', '--runtime', 'fake');
  await run.wrote('cion approve 1 ok');
  run.process.kill('SIGKILL');
  await run.ended;
  const again = start(cwd, 'resume', '--runtime', 'fake');
  await again.wrote('ok waits for somebody to approve it (cion approve 1 ok).');
  assert.equal((await cion(cwd, 'approve', '1', 'ok')).code, 0);
  assert.equal((await again.ended).code, 0);
});

test('only who is named may decide, and only a gate that waits', async (t) => {
  const cwd = repository(
    t,
    stages({
      first: person({ who: ['anna', 'bob'] }),
      build: says('built', { needs: 'first' }),
      second: person({ needs: 'build' }),
      deploy: says('deployed', { needs: 'second' }),
    }),
  );
  await refused('RUN_UNKNOWN', /no runs/i, cwd, 'approve', 'first');
  const run = start(cwd, 'run', '--runtime', 'fake');
  await run.wrote('Waits for anna or bob to approve it');
  await refused('GATE_NOT_YOURS', /waits for anna or bob to approve it, not for eve/, cwd, 'approve', 'first', '--by', 'eve');
  await refused('GATE_CLOSED', /"second" does not wait for a decision yet: first comes build/, cwd, 'approve', 'second', '--by', 'anna');
  await refused('GATE_UNKNOWN', /Did you mean "first"/, cwd, 'approve', 'frist');
  await refused('GATE_UNKNOWN', /a stage of run 1 and not a gate/, cwd, 'approve', '1', 'build');
  await refused('RUN_UNKNOWN', /There is no run "7"/, cwd, 'approve', '7', 'first');
  for (const run of [[], ['1']]) {
    await refused('GATE_NOT_YOURS', /"first" waits for anna or bob to approve it, not for eve/, cwd, 'approve', ...run, '--by', 'eve');
  }
  const words = (await cion(cwd, 'complete', '--', 'approve', '1', '')).out;
  assert.equal(words, 'first\tof run 1\n');
  assert.equal((await cion(cwd, 'approve', 'first', '--by', 'bob')).code, 0);
  await run.wrote('cion approve 1 second');
  run.process.kill('SIGINT');
  assert.equal((await run.ended).code, 130);
  await refused('RUN_FINISHED', /Run 1 has ended: cancelled/, cwd, 'approve', '1', 'second');
  await refused('GATE_DECIDED', /approved by bob/, cwd, 'approve', '1', 'first');
});

test('the only gate that is open needs no name; of several each does', async (t) => {
  const cwd = repository(t, stages({ ok: person(), also: person(), deploy: says('deployed', { needs: ['ok', 'also'] }) }));
  const run = start(cwd, 'run', '--runtime', 'fake');
  await run.wrote('cion approve 1 ok');
  await run.wrote('cion approve 1 also');
  await refused('USAGE', /These wait: "ok" of run 1, "also" of run 1\./, cwd, 'approve');
  await refused('USAGE', /cion approve 1 <gate>\. These wait: "ok" of run 1, "also" of run 1\./, cwd, 'approve', '1');
  assert.equal((await cion(cwd, 'approve', 'ok')).code, 0);
  await run.wrote('Approved by');
  assert.equal((await cion(cwd, 'approve')).out, 'Run 1: also is approved.\n');
  assert.equal((await run.ended).code, 0);
  await refused('GATE_CLOSED', /Nothing waits for somebody to decide it\./, cwd, 'approve');
});

test('run --approve decides ahead, in the name of who runs it', async (t) => {
  const cwd = repository(t, stages({ ok: person(), also: person(), deploy: says('deployed', { needs: ['ok', 'also'] }) }));
  const all = await cion(cwd, 'run', '--runtime', 'fake', '--approve', 'all');
  assert.equal(all.code, 0, all.err);
  const [{ by: user } = { by: '' }] = (await eventsOf(cwd)).map((event) => event['trigger'] as { readonly by: string });
  assert.match(all.out, new RegExp(`ok +: Approved by ${user}\\.`));
  const one = start(cwd, 'run', '--runtime', 'fake', '--approve', 'ok');
  await one.wrote('Approved by');
  await one.wrote('cion approve 2 also');
  assert.equal((await cion(cwd, 'approve', 'also')).code, 0);
  assert.equal((await one.ended).code, 0);
  const unknown = await cion(cwd, 'run', '--runtime', 'fake', '--approve', 'okay');
  assert.deepEqual([unknown.code, /GATE_UNKNOWN/.test(unknown.err), /"ok"/.test(unknown.err)], [2, true, true], unknown.err);
  const named = repository(t, stages({ ok: person({ who: 'somebody-else' }), deploy: says('deployed', { needs: 'ok' }) }));
  const other = await cion(named, 'run', '--runtime', 'fake', '--approve', 'all');
  assert.deepEqual([other.code, /GATE_NOT_YOURS/.test(other.err)], [2, true], other.err);
});

test('a re-run asks again', async (t) => {
  const cwd = repository(t, stages({ ok: person(), deploy: says('deployed', { needs: 'ok' }) }));
  const run = start(cwd, 'run', '--runtime', 'fake');
  await run.wrote('cion approve 1 ok');
  await cion(cwd, 'reject', 'ok');
  assert.equal((await run.ended).code, 1);
  const again = start(cwd, 'rerun', '1', '--failed', '--runtime', 'fake');
  await again.wrote('cion approve 1 ok');
  assert.equal((await cion(cwd, 'approve', 'ok')).code, 0);
  assert.equal((await again.ended).code, 0);
});

/** Two projects beside each other; `mine` waits for the other. */
const twoProjects = (t: Parameters<typeof repository>[0], pipeline: string, gate: object = {}) => {
  const around = directory(t, {
    [join('mine', '.cion.yml')]: JSON.stringify({
      stages: { api: { gate: { pipeline }, ...gate }, deploy: { ...says('deployed'), needs: 'api' } },
    }),
    [join('other api', 'README')]: '',
  });
  const other = join(around, 'other api');
  const ends = (exit: number, ...more: readonly string[]) => {
    const build = { image: 'busybox', env: { FAKE_EXIT: String(exit) } };
    writeFiles(other, { '.cion.yml': JSON.stringify({ stages: { build, lint: { image: 'busybox' } } }) });
    return cion(other, 'run', '--runtime', 'fake', ...more);
  };
  return { mine: join(around, 'mine'), ends };
};

for (const pipeline of ['../other api', 'other api']) {
  test(`a gate waits for the pipeline "${pipeline}" to pass after the run began; what it did before, and red, do not count (R-DCK-63, R-DCK-64)`, async (t) => {
    const { mine, ends } = twoProjects(t, pipeline);
    assert.equal((await ends(0)).code, 0);
    const run = start(mine, 'run', '--runtime', 'fake');
    await run.wrote(`Waits for pipeline ${pipeline} to pass.`);
    assert.equal((await ends(1)).code, 1);
    assert.equal((await ends(0, 'lint')).code, 0);
    assert.ok(!(await kindsOf(mine)).includes('gate.decided'));
    await refused('GATE_NOT_YOURS', /waits for pipeline/, mine, 'approve', 'api');
    assert.equal((await ends(0)).code, 0);
    const ended = await run.ended;
    assert.equal(ended.code, 0, ended.stderr.toString());
    const { at, ...decision } = decisionIn(await eventsOf(mine));
    assert.deepEqual(decision, { kind: 'approved', by: `pipeline ${pipeline}, run 4` });
    assert.ok(at > 0);
  });
}

test('a pipeline that is only red keeps a gate waiting until its time is over (R-DCK-64)', async (t) => {
  const { mine, ends } = twoProjects(t, '../other api', { timeout: '3s' });
  await ends(0);
  const run = start(mine, 'run', '--runtime', 'fake');
  await run.wrote('Waits for pipeline ../other api to pass.');
  assert.equal((await ends(1)).code, 1);
  const { code, stdout } = await run.ended;
  assert.equal(code, 1);
  assert.match(stdout.toString(), /api +: Nobody decided in time\./);
  assert.match(stdout.toString(), /deploy +skipped/);
});

test('a pipeline that passed while no process carried the run counts when it goes on (R-DCK-64)', async (t) => {
  const { mine, ends } = twoProjects(t, '../other api');
  await ends(1);
  const run = start(mine, 'run', '--runtime', 'fake');
  await run.wrote('Waits for pipeline');
  run.process.kill('SIGKILL');
  await run.ended;
  await ends(0);
  const resumed = await cion(mine, 'resume', '--runtime', 'fake');
  assert.equal(resumed.code, 0, resumed.err);
  assert.match(resumed.out, /Approved by pipeline \.\.\/other api, run 2/);
});

test('a pipeline that is not on this machine is told before anything runs', async (t) => {
  const { mine } = twoProjects(t, '../nowhere');
  const { code, err } = await cion(mine, 'run', '--runtime', 'fake');
  assert.equal(code, 2);
  assert.match(err, /GATE_PIPELINE_UNKNOWN/);
  assert.match(err, /The gate "api" waits for the pipeline "\.\.\/nowhere"/);
});
