import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import { pack } from 'tar-stream';
import { cacheStore } from '../../local/cache-store.ts';
import { treeStore } from '../../local/tree-store.ts';
import { fsCacheShelf, fsRemoveResults, fsTreeShelf } from '../../results/fs/fs-removal.ts';
import { fsResults } from '../../results/fs/fs-results.ts';
import { newRunId } from '../../lib/ids.ts';
import { virtualClock } from '../../lib/virtual-clock.ts';
import type { RunFact } from '../../run/run-event.ts';
import { sealerOf } from '../../secrets/sealer.ts';
import { defaultSettings } from '../../store/projects.ts';
import { sqlHousekeeping } from '../../store/sql/housekeeping.ts';
import { sqlProjects } from '../../store/sql/projects.ts';
import { sqlRunStore } from '../../store/sql/run-store.ts';
import { sqlSecrets } from '../../store/sql/secrets.ts';
import { testDatabases } from '../../store/sql/testing/databases.ts';
import { type SqlStore, sqlStore } from '../../store/sql/testing/sql-store.ts';
import { change, newRun } from '../../store/testing/samples.ts';
import { fsOutputs } from '../outputs/fs-outputs.ts';
import { projectSecrets } from '../secrets/project-secrets.ts';
import { housekeeper } from './housekeeper.ts';
import { leftoverBytes } from './leftover-bytes.ts';

const dayMs = 86_400_000;
/** The files of this test are made now, so the clock begins now. */
const today = Date.now();
const project = 'ada/shop';

describe('a server clears up', () => {
  let store: SqlStore;
  let directory = '';
  before(async () => {
    const [first] = testDatabases;
    assert.ok(first);
    store = await sqlStore(await first.make());
  });
  beforeEach(async () => {
    await store.made.clear();
    if (directory !== '') rmSync(directory, { recursive: true, force: true });
    directory = mkdtempSync(join(tmpdir(), 'cion-keep-'));
  });
  after(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const server = async ({ removeResults }: { readonly removeResults?: (run: string) => Promise<void> } = {}) => {
    const clock = virtualClock({ startAt: today });
    const { database } = store.made;
    const sealer = sealerOf([randomBytes(32)]);
    const root = join(directory, 'results');
    const folder = join(directory, 'caches');
    const folderOf = (owner: string): string => join(folder, encodeURIComponent(owner));
    const outputs = fsOutputs({ root: join(directory, 'outputs'), sealer });
    const housekeeping = sqlHousekeeping(database);
    const projects = sqlProjects(database);
    const caches = fsCacheShelf(folder, folderOf, 'cache');
    const mirrors: string[] = [];
    const failures: unknown[] = [];
    const leftovers = leftoverBytes({
      housekeeping,
      projects,
      removeResults: removeResults ?? fsRemoveResults({ root }),
      outputs,
      caches,
      removeMirror: async (name) => void mirrors.push(name),
    });
    const secrets = projectSecrets({ store: sqlSecrets(database), sealer, clock });
    const runs = sqlRunStore(database, store.epoch);
    const keeper = housekeeper({
      runs,
      housekeeping,
      leftovers,
      secrets,
      trees: fsTreeShelf(join(directory, 'trees')),
      caches,
      keep: { runs: { runs: 2, ms: 90 * dayMs }, cachesMs: 30 * dayMs, auditMs: 365 * dayMs },
      clock,
      failed: (error) => void failures.push(error),
    });
    const add = () =>
      leftovers.add({
        name: project,
        cloneUrl: 'https://forge.example/ada/shop.git',
        defaultBranch: 'main',
        visibility: 'private',
        webhookSecret: 'v1',
        settings: defaultSettings,
        createdAt: clock.now(),
      });
    await add();
    const results = fsResults({ root });
    /** A run with a log, an output and what else is told. */
    const run = async (facts: readonly RunFact[], end: 'failed' | 'unfinished' = 'failed'): Promise<string> => {
      const id = newRunId(clock.now());
      await runs.create(newRun(id, { project, at: clock.now() }));
      const key = { run: id, stage: 'build', attempt: 1 };
      await (await results.begin(key, clock.now())).close();
      await outputs.keep(key, Buffer.from('exact'));
      const all: readonly RunFact[] = end === 'unfinished' ? facts : [...facts, { kind: 'run.finished', outcome: end }];
      const over = end === 'unfinished' ? {} : ({ phase: 'finished', outcome: end, finishedAt: clock.now() } as const);
      if (all.length > 0) await runs.append(change(id, 1, { facts: all, row: over }));
      return id;
    };
    const left = async (): Promise<readonly string[]> => (await runs.list({ limit: 100 })).map((row) => row.run).reverse();
    const bytes = () => ['results', 'outputs'].map((name) => readdirSync(join(directory, name)).sort());
    return {
      clock,
      keeper,
      run,
      left,
      bytes,
      add,
      projects,
      failures,
      mirrors,
      secrets,
      caches: (of: string) => cacheStore(folderOf(of)),
      housekeeping,
    };
  };

  const tree = async (content: string): Promise<string> => {
    const digest = await treeStore(directory).put(tarOf(content));
    const old = new Date(today - 2 * dayMs);
    utimesSync(join(directory, 'trees', `${digest}.tar`), old, old);
    return digest;
  };
  const trees = (): readonly string[] => readdirSync(join(directory, 'trees')).sort();

  it('of old runs, by its clock: events, logs, outputs and the trees that nobody else names; not of what is deployed or runs', async () => {
    const it = await server();
    const [own, shared, nobodys] = [await tree('own'), await tree('shared'), await tree('nobody')];
    const kept = (digest: string): RunFact => ({ kind: 'source.kept', tree: `sha256:${digest}`, bytes: 1 });
    const image = { reference: 'a', digest: 'sha256:1' };
    const deployed = await it.run([
      { kind: 'deployment.recorded', stage: 'd', deployment: { environment: 'live', changedFiles: 0, image, at: today } },
    ]);
    const old = await it.run([kept(own), kept(shared)]);
    const unfinished = await it.run([kept(shared)], 'unfinished');
    const [third, newest] = [await it.run([]), await it.run([])];
    await it.keeper.sweep();
    assert.deepEqual(await it.left(), [deployed, old, unfinished, third, newest]);
    await it.clock.advance(2 * 3_600_000);
    await it.keeper.sweep();
    assert.deepEqual(await it.left(), [deployed, unfinished, third, newest]);
    assert.deepEqual(it.bytes(), [[deployed, unfinished, third, newest].sort(), [deployed, unfinished, third, newest].sort()]);
    assert.deepEqual(trees(), [`${shared}.tar`]);
    assert.equal(
      [own, nobodys].some((gone) => trees().includes(`${gone}.tar`)),
      false,
    );
    assert.deepEqual(it.failures, []);
  });

  it('after a crash: what the database has forgotten is removed the next time, and what cannot be is tried again', async () => {
    let isAway = true;
    const removed: string[] = [];
    const it = await server({
      removeResults: async (run) => {
        if (isAway) throw new Error('the bucket is away');
        removed.push(run);
      },
    });
    const ids = [await it.run([]), await it.run([]), await it.run([])];
    await it.clock.advance(2 * 3_600_000);
    await it.keeper.sweep();
    assert.deepEqual(await it.left(), ids.slice(1));
    assert.deepEqual(it.failures.map(String), ['Error: the bucket is away']);
    isAway = false;
    await it.keeper.sweep();
    assert.deepEqual(removed, ids.slice(0, 1));
    assert.deepEqual(await it.housekeeping.leftovers(10), []);
  });

  it('of a project that is gone: runs, caches and its mirror; and one of that name is added when nothing is left (atk-90, atk-05)', async () => {
    const it = await server();
    await it.run([]);
    for (const owner of [project, `${project} of others`, 'eve/app']) await it.caches(owner).save('npm', tarOf('c'), 1_000_000);
    it.mirrors.length = 0;
    await it.projects.remove(project);
    assert.equal(await it.add(), true);
    for (const owner of [project, `${project} of others`]) assert.equal(await it.caches(owner).open('npm'), undefined);
    (await it.caches('eve/app').open('npm'))?.destroy();
    assert.deepEqual(it.mirrors, [project]);
    await it.caches(project).save('npm', tarOf('new'), 1_000_000);
    assert.equal(await it.add(), false);
    await it.keeper.sweep();
    assert.deepEqual(it.bytes(), [[], []]);
    const cache = await it.caches(project).open('npm');
    assert.ok(cache);
    cache.destroy();
  });

  it('forgets secrets that were replaced, as soon as no run is alive that may know them (atk-39)', async () => {
    const it = await server();
    const scope = { pipelines: [], branches: [], environments: [], triggers: [] };
    const put = (value: string) => it.secrets.put({ project, name: 'KEY', kind: 'secret', value, by: 'ada', scope });
    const known = async () => (await sqlSecrets(store.made.database).list(project)).length;
    await put('correct horse');
    const run = await it.run([], 'unfinished');
    await it.clock.advance(1);
    await put('battery staple');
    await it.clock.advance(1);
    await it.keeper.sweep();
    assert.equal(await known(), 2);
    const over = { phase: 'finished', outcome: 'failed', finishedAt: it.clock.now() } as const;
    await sqlRunStore(store.made.database, store.epoch).append(
      change(run, 1, { facts: [{ kind: 'run.finished', outcome: 'failed' }], row: over }),
    );
    await it.keeper.sweep();
    assert.equal(await known(), 1);
  });
});

it('does so a minute after it has begun and every hour, until it is told to end', async () => {
  const clock = virtualClock({ startAt: today });
  const sweeps: number[] = [];
  const nothing = async (): Promise<void> => undefined;
  const keeper = housekeeper({
    runs: { list: async () => [] },
    housekeeping: {
      deployed: async () => new Set(),
      trees: async () => new Set(),
      leftovers: async () => [],
      forgetRun: nothing,
      cleared: nothing,
      forgetAudit: nothing,
    },
    leftovers: { clear: nothing },
    secrets: { forget: async () => void sweeps.push(clock.now() - today) },
    trees: { list: async () => [], remove: nothing },
    caches: { removeUnused: nothing },
    keep: { runs: { runs: 0, ms: 0 }, cachesMs: 0, auditMs: 0 },
    clock,
    failed: assert.fail,
  });
  const stop = new AbortController();
  const ended = keeper.start(stop.signal);
  await clock.advance(59_999);
  assert.deepEqual(sweeps, []);
  await clock.advance(2 * 3_600_000);
  assert.deepEqual(sweeps, [60_000, 3_660_000]);
  stop.abort();
  await ended;
  assert.equal(clock.pending(), 0);
});

const tarOf = (content: string): Readable => {
  const tar = pack();
  tar.entry({ name: createHash('sha256').update(content).digest('hex').slice(0, 8) }, content);
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
};
