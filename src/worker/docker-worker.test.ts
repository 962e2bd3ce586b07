import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Plan, Stage, Volume } from '../plan/plan.ts';
import { reference, stage } from '../plan/stage.ts';
import { decideGate } from '../server/dispatch/requests.ts';
import { gateOf, planOf } from '../server/dispatch/testing/served.ts';
import { tarOf } from '../runtimes/contract/case.contract.ts';
import { cutNetwork } from './testing/cut-network.ts';
import { dockerSite } from './testing/docker-site.ts';

const work: Volume = { name: 'work', from: 'empty' };
const mounted = (access: 'read-write' | 'read-only') => [{ kind: 'volume', volume: 'work', path: '/w', access }] as const;
const script = (name: string, text: string, more: Partial<Stage> = {}): Stage =>
  stage({ name, image: reference('busybox:latest'), command: { kind: 'shell', script: text }, ...more });
const needs = (...names: readonly string[]) => ({ needs: names.map((node) => ({ node, on: 'passed' as const })) });

const lineCount = 6000;
const whole = Array.from({ length: lineCount }, (_, n) => `line ${n}\n`).join('');
const talker: Plan = planOf([
  script('talk', `i=0; while [ $i -lt ${lineCount} ]; do echo "line $i"; i=$((i+1)); [ $((i % 200)) = 0 ] && sleep 0.1; done; exit 5`),
]);

describe('workers with Docker and a server over HTTP', { timeout: 120_000 }, () => {
  let site: Awaited<ReturnType<typeof dockerSite>>;
  before(async () => {
    site = await dockerSite();
  });
  after(() => site.close());

  it('carry a run over two workers that share an engine and see nothing of each other', async () => {
    const one = await site.worker();
    const run = await site.plan(
      planOf(
        [
          script('build', 'mkdir /w/lib; echo made > /w/lib/app; chmod 750 /w/lib/app', { mounts: mounted('read-write') }),
          gateOf('ok', ['build']),
          script('release', 'stat -c "%a %n" /w/lib/app; cat /w/lib/app', { ...needs('ok'), mounts: mounted('read-only') }),
        ],
        [work],
      ),
    );
    const state = await site.until(run, (now) => now.nodes.get('ok')?.phase === 'running');
    one.drain();
    await one.ended;
    const two = await site.worker();
    await site.runs.dispatcher.report(run, decideGate('ok', state.digest ?? '', { kind: 'approved', by: 'ada', at: 1 }));
    assert.equal((await site.ended(run)).outcome, 'passed');
    assert.equal(await site.logOf(run, 'release'), '750 /w/lib/app\nmade\n');
    const started = (await site.runs.events(run)).flatMap((event) =>
      event.kind === 'stage.preparing' ? [`${event.stage} ${event.worker}`] : [],
    );
    assert.deepEqual(started, [`build ${one.name}`, `release ${two.name}`]);
    assert.deepEqual([one.fetched.length, two.fetched.length], [0, 1]);
    two.drain();
    await two.ended;
  });

  it('hold 20,000 files from a build to its release on one worker without any of them being moved again, and leave nothing behind when they end', async () => {
    const worker = await site.worker();
    const run = await site.plan(
      planOf(
        [
          script('build', 'cd /w; for d in $(seq 200); do mkdir $d; for f in $(seq 100); do echo $f > $d/$f; done; done', {
            mounts: mounted('read-write'),
          }),
          script('test', 'find /w -type f | wc -l; echo good > /w/report', { ...needs('build'), mounts: mounted('read-write') }),
          script('release', 'find /w -type f | wc -l; cat /w/report', { ...needs('test'), mounts: mounted('read-only') }),
        ],
        [work],
      ),
    );
    assert.equal((await site.ended(run)).outcome, 'passed');
    assert.equal(await site.logOf(run, 'test'), '20000\n');
    assert.equal(await site.logOf(run, 'release'), '20001\ngood\n');
    assert.deepEqual(worker.fetched, []);
    assert.notDeepEqual(await site.left(worker.name), []);
    worker.drain();
    await worker.ended;
    assert.deepEqual(await site.left(worker.name), []);
    const next = await site.worker(worker.name);
    const later = await site.plan(planOf([script('again', 'echo again')]));
    assert.equal((await site.ended(later)).outcome, 'passed');
    next.drain();
    await next.ended;
  });

  it('go on while the network to the server is cut, and tell all of it afterwards: every byte of the log once (atk-73, atk-75)', async (t) => {
    const network = await cutNetwork(site.server.url);
    t.after(network.cut);
    const worker = await site.worker(site.newName(), network.url);
    const go = '[ $i = 3000 ] && until [ -e /go ]; do sleep 0.05; done; true';
    const run = await site.plan(planOf([script('talk', `i=0; while [ $i -lt ${lineCount} ]; do echo "line $i"; i=$((i+1)); ${go}; done`)]));
    await site.logged(run, 'talk', 10_000);
    await network.cut();
    const [container] = await site.containers(worker.name, 'talk');
    await site.engine.json('PUT', `/containers/${container?.Id}/archive`, {
      query: { path: '/' },
      body: tarOf({ name: 'go', content: '' }),
    });
    await site.engine.json('POST', `/containers/${container?.Id}/wait`);
    assert.notEqual(await site.logOf(run, 'talk'), whole);
    await network.mend();
    assert.equal((await site.ended(run)).outcome, 'passed');
    assert.equal(await site.logOf(run, 'talk'), whole);
    worker.drain();
    await worker.ended;
  });

  it('killed with -9 amid a command: the next of that name goes on with it, and its log has every byte once (atk-71)', async () => {
    const name = site.newName();
    const first = site.process(name);
    const run = await site.plan(talker);
    await site.logged(run, 'talk', 10_000);
    await first.kill('SIGKILL');
    const [container] = await site.containers(name, 'talk');
    assert.equal(container?.State, 'running');
    const second = site.process(name);
    const state = await site.ended(run);
    const talk = state.nodes.get('talk');
    assert.deepEqual(talk?.kind === 'stage' && talk.attempts.map(({ outcome, cause }) => [outcome, cause]), [
      ['failed', { kind: 'exit', code: 5 }],
    ]);
    assert.equal(await site.logOf(run, 'talk'), whole);
    const kinds = (await site.runs.events(run)).map(({ kind }) => kind);
    assert.equal(kinds.filter((kind) => kind === 'stage.started').length, 1);
    assert.match(second.said(), /talk\/1 is taken up again/);
    second.child.kill('SIGTERM');
    assert.deepEqual(await second.exited, [0, null]);
  });

  it('told twice to end leaves what runs to the next; told once, waits for it', async () => {
    const name = site.newName();
    const first = site.process(name);
    const run = await site.plan(talker);
    await site.logged(run, 'talk', 5000);
    first.child.kill('SIGTERM');
    await site.logged(run, 'talk', 10_000);
    const toldAt = performance.now();
    first.child.kill('SIGTERM');
    assert.deepEqual(await first.exited, [0, null]);
    assert.ok(performance.now() - toldAt < 10_000);
    const second = site.process(name);
    await site.until(run, () => second.said().includes('taken up again'));
    second.child.kill('SIGTERM');
    assert.deepEqual(await second.exited, [0, null]);
    assert.equal((await site.runs.dispatcher.state(run))?.phase, 'finished');
    assert.equal(await site.logOf(run, 'talk'), whole);
    assert.deepEqual(await site.containers(name, 'talk'), []);
  });

  it('have a token that no job can read: not in its environment, its processes or its container’s record (atk-20)', async () => {
    const name = site.newName();
    const worker = site.process(name);
    const look =
      'env; cat /proc/*/environ /proc/*/cmdline | tr "\\0" "\\n"; cat /proc/mounts; find / -xdev -type f -size -100k 2>/dev/null | head -2000 | xargs cat 2>/dev/null | tr -dc "[:print:]\\n"; echo looked; sleep 2';
    const run = await site.plan(planOf([script('look', look)]));
    await site.until(run, (state) => state.nodes.get('look')?.phase === 'running');
    const [container] = await site.containers(name, 'look');
    assert.ok(container);
    const record = JSON.stringify(await site.engine.json('GET', `/containers/${container.Id}/json`));
    assert.equal((await site.ended(run)).outcome, 'passed');
    const log = await site.logOf(run, 'look');
    assert.match(log, /looked/);
    const token = `worker:${name}`;
    for (const place of [record, log, worker.said(), JSON.stringify(await site.runs.events(run))]) assert.ok(!place.includes(token));
    assert.ok(!worker.child.spawnargs.join(' ').includes(token));
    worker.child.kill('SIGTERM');
    await worker.exited;
  });

  it('end a container by force whose attempt was given anew, and what they say of it counts for nothing (atk-16, atk-73)', async () => {
    const worker = await site.worker();
    const run = await site.plan(planOf([script('deploy', 'trap "" TERM; echo on; while :; do sleep 0.1; done')]));
    await site.logged(run, 'deploy', 3);
    const [container] = await site.containers(worker.name, 'deploy');
    assert.equal(container?.State, 'running');
    const claim = { worker: worker.name, labels: [], slots: 0, waitMs: 0, fresh: true };
    const { claimed } = await site.runs.dispatcher.claim(claim, new AbortController().signal);
    assert.equal(claimed.length, 1);
    await site.removed(container?.Id ?? '');
    assert.match(worker.lines.join('\n'), /deploy\/1 is no longer ours/);
    const kinds = (await site.runs.events(run)).map(({ kind }) => kind);
    assert.ok(!kinds.includes('stage.finished'));
    await site.runs.tell(
      claimed[0] ?? assert.fail(),
      1,
      [{ kind: 'stage.finished', stage: 'deploy', attempt: 1, outcome: 'failed', cause: { kind: 'exit', code: 9 } }],
      worker.name,
    );
    assert.equal((await site.ended(run)).outcome, 'failed');
  });
});
