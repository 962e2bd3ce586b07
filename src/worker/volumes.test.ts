import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { pack } from 'tar-stream';
import { doing } from '../engine/testing/fake-run.ts';
import type { WorkerBytes } from '../api/worker-bytes.ts';
import { abortable } from '../lib/abortable.ts';
import { digestOf } from '../lib/canonical-json.ts';
import type { Access, Mount } from '../plan/plan.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import type { MemoryServer } from './testing/memory-server.ts';
import { fakeSite } from './testing/fake-worker.ts';

const mounted = (access: Access, volume = 'work', path = '/w'): Mount => ({ kind: 'volume', volume, path, access });

const treeOf = async (server: MemoryServer, files: Readonly<Record<string, string>>): Promise<string> => {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  const bytes = await buffer(tar);
  server.trees.set(digestOf(bytes), bytes);
  return digestOf(bytes);
};
const holding = (digest: string) => ({ work: { kind: 'tree', digest } }) as const;

describe('the volumes of a worker', () => {
  it('hold the files of a build until its release without any of them being moved again', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    const source = await treeOf(server, { 'src/main': 'main' });
    const made = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`/w/lib/${n % 10}/${n}`, `${n}`]));
    const build = server.push({
      stage: doing('build', { FAKE_WRITE: JSON.stringify(made) }, { mounts: [mounted('read-write')] }),
      volumes: holding(source),
      keep: ['work'],
    });
    await server.finished(build);
    const built = (await server.fact(build, 'volume.kept')).tree;
    const test = server.push({
      stage: doing('test', { FAKE_WRITE: '{"/w/report":"good"}', FAKE_PRINT_FILE: '/w/lib/9/299' }, { mounts: [mounted('read-write')] }),
      volumes: holding(built),
      keep: ['work'],
    });
    await server.finished(test);
    const tested = (await server.fact(test, 'volume.kept')).tree;
    const release = server.push({
      stage: doing('release', { FAKE_PRINT_FILE: '/w/report' }, { mounts: [mounted('read-only')] }),
      volumes: holding(tested),
    });
    await server.finished(release);
    assert.deepEqual([await server.logOf(test), await server.logOf(release)], ['299', 'good']);
    assert.deepEqual(server.fetched, [source]);
  });

  it('are not filled with other files than the claim says, though the server or who stands before it gives them (atk-18)', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    const good = await treeOf(server, { 'deploy.sh': 'deploy shop' });
    const bad = await treeOf(server, { 'deploy.sh': 'deploy evil' });
    server.trees.set(good, server.trees.get(bad) ?? Buffer.alloc(0));
    const item = server.push({
      stage: doing('deploy', { FAKE_PRINT_FILE: '/w/deploy.sh' }, { mounts: [mounted('read-only')] }),
      volumes: holding(good),
    });
    const end = await server.finished(item);
    assert.equal(end.outcome, 'errored');
    assert.match(JSON.stringify(end.cause), /TREE_CHANGED/);
    assert.equal(
      server.facts(item).some(({ kind }) => kind === 'stage.started'),
      false,
    );
  });

  for (const moment of ['asked for', 'written'] as const) {
    it(`leave no download open that was ${moment} when the stage was given back: a process with one does not end`, async (t) => {
      const { server, begin } = fakeSite(t);
      const digest = await treeOf(server, { a: 'made' });
      const arrives = Promise.withResolvers<void>();
      const under = Promise.withResolvers<void>();
      const download = Readable.from(['never read'], { objectMode: false });
      const bytes: WorkerBytes = (lease) => {
        const own = server.bytes(lease);
        const open = async (): Promise<Readable> => {
          if (moment === 'asked for') {
            under.resolve();
            await arrives.promise;
          }
          return download;
        };
        return { ...own, trees: { ...own.trees, open } };
      };
      const writing = (runtime: Runtime): Runtime => ({
        ...runtime,
        write: async (_ref, _tar, signal) => {
          under.resolve();
          await abortable(new Promise<never>(() => {}), signal);
        },
      });
      const worker = await begin('one', { more: { bytes }, runtime: writing });
      server.push({ stage: doing('build', {}, { mounts: [mounted('read-write')] }), volumes: holding(digest) });
      await under.promise;
      worker.drain();
      await worker.ended;
      arrives.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(download.destroyed, true);
    });
  }

  it('begin empty where nothing is said of them, whatever they are called', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    for (const volume of ['__proto__', 'constructor']) {
      const made = { FAKE_WRITE: '{"/w/a":"made"}' };
      const item = server.push({ stage: doing(volume, made, { mounts: [mounted('read-write', volume)] }), volumes: {} });
      assert.equal((await server.finished(item)).outcome, 'passed');
    }
  });

  it('are filled once for all that read the same files, also at the same time', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    const source = await treeOf(server, { a: 'is a' });
    const items = (['read-only', 'copy', 'read-only'] as const).map((access, n) =>
      server.push({
        stage: doing(`s${n}`, { FAKE_PRINT_FILE: '/w/a', FAKE_SLEEP_MS: '1000' }, { mounts: [mounted(access)] }),
        volumes: holding(source),
      }),
    );
    await Promise.all(items.map(server.finished));
    for (const item of items) assert.equal(await server.logOf(item), 'is a');
    assert.deepEqual(server.fetched, [source]);
  });

  it('show no stage what another wrote that it does not need, whoever has what volume', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    const source = await treeOf(server, { a: 'is a' });
    const writer = (name: string, sleepMs: string) =>
      server.push({
        stage: doing(name, { FAKE_WRITE: '{"/w/a":"changed"}', FAKE_SLEEP_MS: sleepMs }, { mounts: [mounted('read-write')] }),
        volumes: holding(source),
        keep: ['work'],
      });
    const reader = (name: string) =>
      server.push({
        stage: doing(name, { FAKE_PRINT_FILE: '/w/a', FAKE_SLEEP_MS: '500' }, { mounts: [mounted('read-only')] }),
        volumes: holding(source),
      });
    const before = reader('before');
    await server.finished(before);
    const [first, second, amid] = [writer('first', '1000'), writer('second', '700'), reader('amid')];
    await Promise.all([first, second, amid].map(server.finished));
    const after = reader('after');
    await server.finished(after);
    for (const item of [before, amid, after]) assert.equal(await server.logOf(item), 'is a');
    const changed = (await server.fact(first, 'volume.kept')).tree;
    assert.equal((await server.fact(second, 'volume.kept')).tree, changed);
  });

  it('are fetched again when the server breaks off amid the files', async (t) => {
    const { server, begin } = fakeSite(t);
    const source = await treeOf(server, { a: 'is a', b: 'x'.repeat(10_000) });
    let opened = 0;
    const bytes: typeof server.bytes = (lease) => {
      const own = server.bytes(lease);
      const open = async (digest: string): Promise<Readable> => {
        if (++opened > 2) return own.trees.open(digest);
        const whole = await buffer(await own.trees.open(digest));
        return Readable.from(brokenOff(whole.subarray(0, 2048)));
      };
      return { ...own, trees: { ...own.trees, open } };
    };
    await begin('one', { more: { bytes } });
    const item = server.push({
      stage: doing('s', { FAKE_PRINT_FILE: '/w/a' }, { mounts: [mounted('read-only')] }),
      volumes: holding(source),
    });
    assert.equal((await server.finished(item)).outcome, 'passed');
    assert.equal(await server.logOf(item), 'is a');
    assert.equal(opened, 3);
  });

  it('are filled by another who waits for the same files when the first that asked for them is lost', async (t) => {
    const { server, begin, meanwhile } = fakeSite(t, 'wait');
    const source = await treeOf(server, { a: 'is a' });
    const asked = Promise.withResolvers<void>();
    let opened = 0;
    const bytes: typeof server.bytes = (lease) => {
      const own = server.bytes(lease);
      const open = async (digest: string): Promise<Readable> => {
        if (++opened > 1) return own.trees.open(digest);
        asked.resolve();
        return new Promise(() => {});
      };
      return { ...own, trees: { ...own.trees, open } };
    };
    await begin('one', { more: { bytes } });
    const stage = (name: string) => doing(name, { FAKE_PRINT_FILE: '/w/a' }, { mounts: [mounted('read-only')] });
    const first = server.push({ stage: stage('first'), volumes: holding(source) });
    await asked.promise;
    const second = server.push({ stage: stage('second'), volumes: holding(source) });
    await server.fact(second, 'stage.preparing');
    server.lose(first);
    assert.equal((await meanwhile(server.finished(second))).outcome, 'passed');
    assert.equal(await server.logOf(second), 'is a');
  });

  it('end an attempt as errored whose files are not there', async (t) => {
    const { server, begin } = fakeSite(t);
    await begin('one');
    const item = server.push({ stage: doing('s', {}, { mounts: [mounted('read-only')] }), volumes: holding(digestOf('nothing')) });
    assert.equal((await server.finished(item)).outcome, 'errored');
  });
});

const brokenOff = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
};
