import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { workerClient } from '../api/worker-client.ts';
import { doing } from '../engine/testing/fake-run.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { newRunId } from '../lib/ids.ts';
import type { Mount } from '../plan/plan.ts';
import { s3Direct } from '../results/s3/s3-direct.ts';
import { s3Objects } from '../results/s3/s3-objects.ts';
import { s3Results } from '../results/s3/s3-results.ts';
import { s3Signer } from '../results/s3/s3-signer.ts';
import { s3Caches, s3Trees } from '../results/s3/s3-trees.ts';
import { type S3Proxy, s3Proxy } from '../results/s3/testing/s3-proxy.ts';
import { type S3Server, s3Server, users, whyNoS3 } from '../results/s3/testing/s3-server.ts';
import type { RunState } from '../run/run-state.ts';
import { fakeRuntime } from '../runtimes/fake/fake-runtime.ts';
import { planOf, served } from '../server/dispatch/testing/served.ts';
import { defaultLimits } from '../server/dispatch/dispatcher-deps.ts';
import { testServer } from '../server/testing/test-server.ts';
import { talking } from './testing/talking.ts';
import { testWorker } from './testing/test-worker.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** In which an hour passes within some seconds. */
const hurried = (factor: number): Clock => {
  const began = Date.now();
  return { now: () => began + (Date.now() - began) * factor, after: (ms, callback) => systemClock.after(ms / factor, callback) };
};

const volume = (access: 'read-only' | 'read-write'): Mount => ({ kind: 'volume', volume: 'v', path: '/v', access });

describe('a server and a worker whose results are in an S3 that is away for an hour', { timeout: 120_000, skip: whyNoS3() }, () => {
  let s3: S3Server;
  let proxy: S3Proxy;
  before(async () => {
    s3 = await s3Server();
    proxy = await s3Proxy(s3.endpoint);
  });
  after(async () => {
    await proxy.close();
    s3.close();
  });

  /** The whole way: dispatcher, HTTP, a worker with an engine in memory, and S3 behind what may be away. */
  const site = async (t: TestContext, how: 'through the server' | 'directly') => {
    const clock = hurried(900);
    const place = { bucket: await s3.bucket(), prefix: 'ci/' };
    const connection = { endpoint: proxy.endpoint, credentials: users.ada, attempts: 1, silentMs: 1000 };
    const objects = s3Objects(place, connection);
    /** What is there, read past the proxy and with patience. */
    const kept = s3Objects(place, { endpoint: s3.endpoint, credentials: users.ada });
    const signer = s3Signer(place, connection, { now: Date.now, seconds: 60 });
    const runs = served({ clock, newRunId, limits: { ...defaultLimits, leaseMs: 30 * minuteMs, graceMs: hourMs } });
    await runs.start();
    const server = await testServer({
      results: s3Results(objects, { pollMs: 100 }),
      trees: s3Trees(objects),
      caches: ({ project }) => s3Caches(objects, project),
      ...(how === 'directly' ? { direct: s3Direct(objects, { sign: signer.sign, signHere: signer.sign }) } : {}),
      dispatcher: runs.dispatcher,
      runs: runs.store.runs,
      queue: runs.store.queue,
      leases: runs.dispatcher,
    });
    const voice = talking();
    const folder = await mkdtemp(join(tmpdir(), 'cion-away-'));
    const worker = await testWorker({
      server: workerClient({ url: server.url, token: 'worker:one', folder }),
      runtime: voice.runtime(fakeRuntime({ clock })),
      clock,
    });
    t.after(async () => {
      proxy.pass();
      await worker.close();
      await server.close();
      runs.end();
      await Promise.all([objects.close(), kept.close(), signer.close(), rm(folder, { recursive: true })]);
    });
    const until = (run: string, isThere: (state: RunState) => boolean): Promise<RunState> => {
      const there = Promise.withResolvers<RunState>();
      const stop = runs.dispatcher.watch(run, (_events, state) => {
        if (isThere(state)) there.resolve(state);
      });
      return there.promise.finally(stop);
    };
    const passes = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));
    const logOf = async (run: string, stage: string): Promise<string> => {
      const parts: Uint8Array[] = [];
      const reading = { from: 0, follow: false, signal: new AbortController().signal };
      for await (const { bytes } of s3Results(kept).readLog({ run, stage }, reading)) parts.push(bytes);
      return Buffer.concat(parts).toString();
    };
    return { runs, server, worker, voice, until, passes, logOf, kept };
  };

  for (const [what, turnAway, how] of [
    ['answers 503', () => proxy.refuse(), 'through the server'],
    ['answers 503', () => proxy.refuse(), 'directly'],
    ['says nothing', () => proxy.hang(), 'through the server'],
  ] as const) {
    it(`lose nothing where it ${what} and bytes go ${how}: what runs goes on, what ended waits, and the run passes (atk-75)`, async (t) => {
      const { runs, worker, voice, until, passes, logOf, kept } = await site(t, how);
      const run = await runs.plan(
        planOf(
          [
            doing(
              'build',
              { FAKE_SLEEP_MS: String(50 * minuteMs), FAKE_WRITE: '{"/v/app": "the app"}' },
              { mounts: [volume('read-write')], artifacts: { volume: 'v' } },
            ),
            doing('test', { FAKE_PRINT_FILE: '/v/app' }, { needs: [{ node: 'build', on: 'passed' }], mounts: [volume('read-only')] }),
          ],
          [{ name: 'v', from: 'empty' }],
        ),
      );
      const ended = until(run, ({ phase }) => phase === 'finished');
      await until(run, ({ nodes }) => nodes.get('build')?.phase === 'running');
      voice.say('before\n');
      while ((await logOf(run, 'build')) !== 'before\n') await passes(minuteMs);
      turnAway();
      const before = proxy.turnedAway();
      for (const n of [1, 2, 3]) {
        await passes(5 * minuteMs);
        voice.say(`amid ${n}\n`, n === 2 ? 'stderr' : 'stdout');
      }
      await passes(45 * minuteMs);
      assert.ok(voice.exit() !== undefined, 'its command has ended meanwhile');
      const waiting = await runs.state(run);
      const [build] = [waiting?.nodes.get('build')];
      assert.deepEqual([build?.phase, waiting?.nodes.get('test')?.phase], ['running', 'waiting']);
      assert.ok(proxy.turnedAway() > before);
      assert.match(worker.lines.join('\n'), /what is for the server waits: .*(?:does not answer|cannot be reached)/);
      proxy.pass();
      const state = await ended;
      const attempts = [...state.nodes.values()].flatMap((node) => (node.kind === 'stage' ? node.attempts.length : []));
      assert.deepEqual([state.outcome, attempts], ['passed', [1, 1]]);
      assert.equal(await logOf(run, 'build'), 'before\namid 1\namid 2\namid 3\n');
      const there = (await kept.list(`run/${run}/`)).map(({ path }) => path.slice(`run/${run}/`.length));
      assert.deepEqual(there, ['build.json', 'build.log', 'build.zip', 'test.json', 'test.log']);
    });
  }
});
