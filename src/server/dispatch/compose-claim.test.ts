import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { Claimed, WorkerFact } from '../../api/worker-protocol.ts';
import { ResultsError } from '../../results/results-error.ts';
import type { Mount, Stage } from '../../plan/plan.ts';
import type { Trigger } from '../../run/run-event.ts';
import { digest, failed, passed, plannedFacts, planOf, preparing, served, stageOf, startedNow } from './testing/served.ts';

const ends: (() => void)[] = [];
const serve = async (more?: Parameters<typeof served>[0]) => {
  const server = served(more);
  ends.push(server.end);
  await server.start();
  return server;
};
type Server = Awaited<ReturnType<typeof serve>>;
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const mount = (volume: string, access: 'read-only' | 'read-write' | 'copy' = 'read-write'): Mount => ({
  kind: 'volume',
  volume,
  path: `/${volume}`,
  access,
});
const kept = (stage: string, volume: string, tree: string, attempt = 1): WorkerFact => ({
  kind: 'volume.kept',
  stage,
  attempt,
  volume,
  tree,
  bytes: 1,
});
const end = async (server: Server, claimed: Claimed | undefined, ...before: readonly WorkerFact[]): Promise<void> => {
  assert.ok(claimed);
  await server.tell(claimed, 1, [preparing(claimed), startedNow(claimed), ...before, passed(claimed)]);
};
const sequence = async (
  server: Server,
  stages: readonly Stage[],
  volumes: Parameters<typeof planOf>[1],
  leaves: Readonly<Record<string, readonly WorkerFact[]>>,
) => {
  await server.plan(planOf(stages, volumes));
  const seen: Record<string, Claimed> = {};
  for (let claimed = await server.claim(); claimed.length > 0; claimed = await server.claim()) {
    for (const each of claimed) {
      const name = each.work.stage.name;
      seen[name] = each;
      await end(server, each, ...(leaves[name] ?? []));
      await server.clock.advance(1);
    }
  }
  return seen;
};

describe('what a worker is given', () => {
  it('are volumes as they begin, and only those to be kept that a later stage sees', async () => {
    const server = await serve();
    const stages = [
      stageOf('a', [], { mounts: [mount('src'), mount('tmp'), mount('deps', 'copy'), mount('cache'), mount('own')] }),
      stageOf('b', ['a'], { mounts: [mount('src', 'copy'), mount('own')] }),
    ];
    const volumes = [
      { name: 'src', from: 'source' },
      { name: 'tmp', from: 'empty' },
      { name: 'deps', from: { tree: digest('d') } },
      { name: 'cache', from: { cache: 'npm' } },
      { name: 'own', from: 'empty' },
    ] as const;
    const { a, b } = await sequence(server, stages, volumes, { a: [kept('a', 'src', digest('1')), kept('a', 'own', digest('2'))] });
    assert.deepEqual(a?.volumes, {
      src: { kind: 'tree', digest: digest('5') },
      deps: { kind: 'tree', digest: digest('d') },
      cache: { kind: 'cache', key: 'npm' },
    });
    assert.deepEqual(a?.keep, ['src', 'own']);
    assert.deepEqual(b?.volumes, { src: { kind: 'tree', digest: digest('1') }, own: { kind: 'tree', digest: digest('2') } });
    assert.deepEqual(b?.keep, []);
  });

  it('are values that need nothing to be known of the run', async () => {
    const server = await serve();
    const value = { kind: 'run', parts: ['run ', { is: 'id' }] } as const;
    await server.plan(planOf([stageOf('a', [], { env: { OF: value, GIVEN: { kind: 'literal', value: 'v' } } })]), {
      circumstances: { id: 'run_7' },
    });
    const [claimed] = await server.claim();
    assert.deepEqual(claimed?.work.stage.env, { OF: { kind: 'literal', value: 'run run_7' }, GIVEN: { kind: 'literal', value: 'v' } });
  });

  it('is of a volume what the newest of the stages that it needs left in it, also through others, and nothing of its neighbours', async () => {
    const server = await serve();
    const writes = { mounts: [mount('src')] };
    const stages = [
      stageOf('a', [], writes),
      stageOf('left', ['a'], writes),
      stageOf('right', ['a'], writes),
      stageOf('between', ['left']),
      stageOf('end', ['between', 'a'], writes),
      stageOf('both', ['left', 'right'], writes),
    ];
    const leaves = {
      a: [kept('a', 'src', digest('a'))],
      left: [kept('left', 'src', digest('b'))],
      right: [kept('right', 'src', digest('c'))],
    };
    const seen = await sequence(server, stages, [{ name: 'src', from: 'source' }], leaves);
    const holds = (name: string) => seen[name]?.volumes.src;
    for (const name of ['left', 'right']) assert.deepEqual(holds(name), { kind: 'tree', digest: digest('a') }, name);
    assert.deepEqual(holds('end'), { kind: 'tree', digest: digest('b') });
    assert.deepEqual(holds('both'), { kind: 'tree', digest: digest('c') });
  });

  it('is the files of the newest attempt where a stage was tried again', async () => {
    const server = await serve();
    await server.plan(
      planOf(
        [
          stageOf('a', [], { mounts: [mount('out')], artifacts: { volume: 'out' }, retry: { attempts: 2, on: ['failed'] } }),
          stageOf('b', ['a'], { mounts: [{ kind: 'artifacts', stage: 'a', path: '/a' }] }),
        ],
        [{ name: 'out', from: 'empty' }],
      ),
    );
    const [first] = await server.claim();
    assert.ok(first?.isMounted);
    await server.tell(first, 1, [preparing(first), startedNow(first), kept('a', 'out', digest('1')), failed(first)]);
    const [second] = await server.claim();
    assert.ok(second);
    assert.deepEqual([second.work.stage.artifacts?.volume, second.volumes], ['out@2', {}]);
    const finished: WorkerFact = { kind: 'stage.finished', stage: 'a', attempt: 2, outcome: 'passed', tree: { volume: 'out@2' } };
    await server.tell(second, 1, [preparing(second), startedNow(second), kept('a', 'out@2', digest('2'), 2), finished]);
    const [b] = await server.claim();
    assert.deepEqual(b?.work.stage.mounts, [{ kind: 'volume', volume: 'out@2', path: '/a', access: 'read-only' }]);
    assert.deepEqual(b?.volumes, { 'out@2': { kind: 'tree', digest: digest('2') } });
  });

  it('are images by reference; those that a stage left wait for its worker, unless they were pushed', async () => {
    const server = await serve();
    const commit = { names: ['registry.example.com/app:1'] };
    await server.plan(
      planOf([
        stageOf('print'),
        stageOf('local', [], { commit: { names: [] } }),
        stageOf('pushed', [], { commit: { ...commit, push: true } }),
        stageOf('c', ['print'], { image: { kind: 'output', stage: 'print' } }),
        stageOf('d', ['local'], { image: { kind: 'stage', stage: 'local' } }),
        stageOf('e', ['pushed'], { image: { kind: 'stage', stage: 'pushed' } }),
      ]),
    );
    for (const claimed of await server.claim('w1')) {
      const { name: stage } = claimed.work.stage;
      assert.equal(claimed.isAsked, stage === 'print');
      const left =
        stage === 'print'
          ? { output: { bytes: 10, digest: digest('0') } }
          : { image: { reference: stage === 'local' ? 'cion/run:local' : (commit.names[0] ?? ''), digest: digest('1') } };
      await server.tell(claimed, 1, [
        preparing(claimed),
        startedNow(claimed),
        { kind: 'stage.finished', stage, attempt: 1, outcome: 'passed', ...left },
      ]);
    }
    const images = (claimed: readonly Claimed[]) => Object.fromEntries(claimed.map(({ work }) => [work.stage.name, work.stage.image]));
    assert.deepEqual(images(await server.claim('w2')), {
      c: { kind: 'reference', reference: 'busybox:1' },
      e: { kind: 'reference', reference: 'registry.example.com/app:1' },
    });
    assert.deepEqual(images(await server.claim('w1')), { d: { kind: 'reference', reference: 'cion/run:local' } });
  });

  it('are the outputs that it asks for and what comes from outside', async () => {
    const outside = { variables: { TARGET: 'x' }, secrets: { TOKEN: 'geheimnis' }, encrypted: {}, redact: ['geheimnis'] };
    const asked: string[] = [];
    const server = await serve({ outsideOf: async ({ run }, { name }) => (asked.push(`${run} ${name}`), outside) });
    const run = await server.plan(
      planOf([stageOf('a', [], { sensitive: true }), stageOf('b', ['a'], { env: { A: { kind: 'output', stage: 'a' } } })]),
    );
    const [a] = await server.claim();
    assert.ok(a);
    await server.tell(a, 1, [
      preparing(a),
      startedNow(a),
      { kind: 'stage.finished', stage: 'a', attempt: 1, outcome: 'passed', output: { bytes: 1, digest: digest('7') } },
    ]);
    const [b] = await server.claim();
    assert.deepEqual(b?.outputs, { a: { attempt: 1, digest: digest('7'), sensitive: true } });
    assert.deepEqual([b?.outside.secrets, b?.redact], [outside.secrets, outside.redact]);
    assert.deepEqual(asked, [`${run} a`, `${run} b`]);
  });

  it('are caches of their own, and no login, for what nobody trusts (atk-13, atk-48)', async () => {
    const server = await serve();
    const cached = planOf([stageOf('a', [], { mounts: [{ kind: 'cache', key: 'k', path: '/k', access: 'read-write' }] })]);
    const claimedBy = async (trigger: Trigger) => {
      const { run } = await server.dispatcher.create({ project: 'acme/app', pipeline: 'cion', trigger });
      await server.dispatcher.report(run, () => plannedFacts(cached));
      const [claimed] = await server.claim();
      assert.equal(claimed?.work.run, run);
      return [claimed?.work.project, claimed?.withoutLogins];
    };
    const pull = { kind: 'pull-request', by: 'eve', number: 7, ref: 'refs/pull/7/head' } as const;
    assert.deepEqual(await claimedBy({ ...pull, fork: false }), ['acme/app', undefined]);
    assert.deepEqual(await claimedBy({ ...pull, fork: true }), ['acme/app of others', true]);
    assert.deepEqual(await claimedBy({ kind: 'manual', by: 'ada', ref: 'refs/pull/7/head' }), ['acme/app of others', true]);
  });

  it('is nothing where it cannot be had: then the attempt has errored with why', async () => {
    class Gone extends Error {
      readonly code = 'SECRET_MISSING';
    }
    const server = await serve({ outsideOf: () => Promise.reject(new Gone('TOKEN is not there')) });
    const run = await server.plan(planOf([stageOf('a')]));
    assert.deepEqual(await server.claim(), []);
    const state = await server.state(run);
    const node = state?.nodes.get('a');
    assert.deepEqual(node?.kind === 'stage' && node.attempts[0]?.cause, {
      kind: 'error',
      code: 'SECRET_MISSING',
      message: 'TOKEN is not there',
    });
    assert.equal(state?.outcome, 'errored');
  });

  it('comes a little later where what it needs is in a place that is away: the attempt goes back into the queue, and has not errored (atk-75)', async () => {
    let isAway = true;
    const server = await serve({
      outputOf: async () => {
        if (isAway) throw new ResultsError('RESULTS_UNREACHABLE', 's3://bucket/ does not answer');
        return { bytes: Buffer.from('busybox:1\n'), sensitive: false };
      },
    });
    const run = await server.plan(planOf([stageOf('print'), stageOf('use', ['print'], { image: { kind: 'output', stage: 'print' } })]));
    const [print] = await server.claim();
    assert.ok(print);
    const output = { bytes: 10, digest: digest('1') };
    await server.tell(print, 1, [preparing(print), startedNow(print), { ...passed(print), output } as WorkerFact]);
    for (let tries = 0; tries < 3; tries++) {
      assert.deepEqual(await server.claim(), []);
      await server.clock.advance(10_000);
    }
    isAway = false;
    const [use] = await server.claim();
    assert.deepEqual(use?.work.stage.image, { kind: 'reference', reference: 'busybox:1' });
    const node = (await server.state(run))?.nodes.get('use');
    assert.equal(node?.kind === 'stage' && node.attempts.length, 1);
  });
});
