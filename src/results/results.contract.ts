import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import { pack } from 'tar-stream';
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { newRunId } from '../lib/ids.ts';
import type { Results, StageDocument, StageSummary, StoredChunk } from './results.ts';
import { ResultsError } from './results-error.ts';

/** What every adapter of Results promises. `another`: the same place seen by another process. */
export type ResultsUnderTest = { readonly results: Results; readonly another: () => Results; readonly close: () => Promise<void> };

const startedAt = Date.UTC(2026, 10, 21, 12, 0, 0);
const never = new AbortController().signal;
const passed: StageSummary = {
  outcome: 'passed',
  startedAt,
  finishedAt: startedAt + 1500,
  exitCode: 0,
  hasLog: true,
  hasArtifacts: false,
};

export const resultsContract = (name: string, make: () => Promise<ResultsUnderTest>): void => {
  describe(`${name} keeps the contract of Results`, () => {
    let made: ResultsUnderTest;
    let results: Results;
    before(async () => {
      made = await make();
      results = made.results;
    });
    after(() => made.close());

    const key = (stage: string, attempt = 1, run = newRunId(Date.now())) => ({ run, stage, attempt });
    const text = async (run: string, file: string): Promise<string | undefined> => {
      const stored = await results.open(run, file);
      return stored && (await buffer(stored)).toString();
    };
    const document = async (run: string, file: string): Promise<StageDocument> => JSON.parse((await text(run, file)) ?? 'null');
    const log = async (run: string, stage: string, options: { from?: number; attempt?: number } = {}): Promise<StoredChunk[]> => {
      const { from = 0, ...rest } = options;
      return allOf(results.readLog({ run, stage, ...rest }, { from, follow: false, signal: never }));
    };
    const bytesOf = (chunks: readonly StoredChunk[]): Buffer => Buffer.concat(chunks.map(({ bytes }) => bytes));

    it('begins with a document of name and start only, and finishes with both unchanged (R-DCK-93, R-DCK-97, R-DCK-98)', async () => {
      const k = key('build');
      const writer = await results.begin(k, startedAt);
      assert.deepEqual(await document(k.run, 'build.json'), { name: 'build', started: '2026-11-21T12:00:00.000Z' });
      await writer.close();
      await results.finish(k, { ...passed, startedAt: startedAt + 700 });
      const { name: kept, started, finished } = await document(k.run, 'build.json');
      assert.deepEqual([kept, started, finished], ['build', '2026-11-21T12:00:00.000Z', '2026-11-21T12:00:01.500Z']);
    });

    it('calls a stage that passed winning, every other like-a-chump, and says the outcome beside it (R-DCK-99)', async () => {
      for (const outcome of ['passed', 'failed', 'errored', 'cancelled', 'skipped'] as const) {
        const k = key(`stage-${outcome}`);
        await results.finish(k, { ...passed, outcome, message: 'A sentence.' });
        const found = await document(k.run, `stage-${outcome}.json`);
        assert.deepEqual([found.status, found.outcome], [outcome === 'passed' ? 'winning' : 'like-a-chump', outcome]);
      }
    });

    it('names the log and the zip in the document by paths that resolve (R-DCK-94, R-DCK-95, R-DCK-100, R-DCK-101)', async () => {
      const k = key('build');
      const writer = await results.begin(k, startedAt);
      await writer.append({ stream: 'stdout', bytes: Buffer.from('hello'), at: startedAt });
      await writer.close();
      const stored = await results.putArtifacts(k, tarOf([{ name: 'a.txt', content: 'a' }]));
      assert.equal(stored?.key, 'build.zip');
      await results.finish(k, { ...passed, hasArtifacts: true });
      const { logs, artefact } = await document(k.run, 'build.json');
      assert.deepEqual([logs, artefact], [`run/${k.run}/build.log`, `run/${k.run}/build.zip`]);
      assert.equal(await text(k.run, 'build.log'), 'hello');
      const zip = await results.open(k.run, 'build.zip');
      assert.equal(zip && (await buffer(zip)).length, stored.bytes);
    });

    it('has no log at all of a sensitive stage, nor a path of one (R-DCK-100)', async () => {
      const k = key('login');
      const writer = await results.begin(k, startedAt);
      await writer.close();
      await results.finish(k, { ...passed, hasLog: false });
      assert.equal((await document(k.run, 'login.json')).logs, null);
      assert.equal(await results.open(k.run, 'login.log'), undefined);
      assert.deepEqual(await log(k.run, 'login'), []);
    });

    it('gives a log back byte for byte, in order, with stream and time, from any byte on', async () => {
      const k = key('build');
      const writer = await results.begin(k, startedAt);
      const chunks = randomChunks(300);
      for (const chunk of chunks) await writer.append(chunk);
      await writer.close();
      const whole = bytesOf(chunks);
      const found = await log(k.run, 'build');
      assert.deepEqual(bytesOf(found), whole);
      for (const stream of ['stdout', 'stderr'] as const) {
        const of = (some: readonly StoredChunk[]) => bytesOf(some.filter((chunk) => chunk.stream === stream));
        assert.deepEqual(of(found), of(chunks));
        assert.equal(writer.position[stream], of(chunks).length);
      }
      assert.deepEqual(streamOfEachByte(found), streamOfEachByte(chunks));
      assert.ok(found.every(({ at }, i) => at >= startedAt && at >= (found[i - 1]?.at ?? 0)));
      for (const from of [1, 4095, 70_001, whole.length - 1, whole.length, whole.length + 10]) {
        assert.deepEqual(bytesOf(await log(k.run, 'build', { from })), whole.subarray(from));
      }
    });

    it('keeps the logs of stages that run at the same time apart, each to be read by its stage (R-CIO-15)', async () => {
      const run = newRunId(Date.now());
      const stages = ['fetch', 'build', 'release'];
      const writers = await Promise.all(stages.map((stage) => results.begin({ run, stage, attempt: 1 }, startedAt)));
      for (let i = 0; i < 20; i++) {
        await Promise.all(
          writers.map((writer, n) => writer.append({ stream: 'stdout', bytes: Buffer.from(`${stages[n]} ${i}\n`), at: startedAt })),
        );
      }
      await Promise.all(writers.map((writer) => writer.close()));
      for (const stage of stages) {
        const lines = Array.from({ length: 20 }, (_, i) => `${stage} ${i}\n`);
        assert.equal(bytesOf(await log(run, stage)).toString(), lines.join(''));
      }
    });

    it('continues a log where it durably ended when the same attempt begins again', async () => {
      const k = key('build');
      const first = await results.begin(k, startedAt);
      await first.append({ stream: 'stdout', bytes: Buffer.from('one'), at: startedAt });
      await first.append({ stream: 'stderr', bytes: Buffer.from('oops'), at: startedAt });
      const second = await made.another().begin(k, startedAt + 9000);
      assert.deepEqual(second.position, { stdout: 3, stderr: 4 });
      await second.append({ stream: 'stdout', bytes: Buffer.from('two'), at: startedAt });
      await second.close();
      assert.equal(bytesOf(await log(k.run, 'build')).toString(), 'oneoopstwo');
      assert.equal((await document(k.run, 'build.json')).started, '2026-11-21T12:00:00.000Z');
    });

    it('shows followers every byte as it comes, several at once, and ends when the document is finished', async () => {
      const k = key('build');
      const follow = async (): Promise<Buffer> => {
        const chunks = await allOf(made.another().readLog(k, { from: 0, follow: true, signal: AbortSignal.timeout(20_000) }));
        return bytesOf(chunks);
      };
      const early = [follow(), follow()];
      const writer = await results.begin(k, startedAt);
      const chunks = randomChunks(100);
      for (const [i, chunk] of chunks.entries()) {
        await writer.append(chunk);
        if (i === 50) early.push(follow());
      }
      await writer.close();
      await results.finish(k, passed);
      early.push(follow());
      for (const seen of await Promise.all(early)) assert.deepEqual(seen, bytesOf(chunks));
    });

    it('shows a follower a chunk before the next one is written', async () => {
      const k = key('build');
      const writer = await results.begin(k, startedAt);
      const reader = results.readLog(k, { from: 0, follow: true, signal: never })[Symbol.asyncIterator]();
      for (const word of ['one', 'two', 'three']) {
        await writer.append({ stream: 'stdout', bytes: Buffer.from(word), at: startedAt });
        const { value } = await reader.next();
        assert.equal(Buffer.from(value.bytes).toString(), word);
      }
      await writer.close();
      await results.finish(k, passed);
      assert.equal((await reader.next()).done, true);
    });

    it('ends a follower quietly when its signal aborts', async () => {
      const k = key('build');
      const writer = await results.begin(k, startedAt);
      const abort = new AbortController();
      const following = allOf(results.readLog(k, { from: 0, follow: true, signal: abort.signal }));
      abort.abort();
      assert.deepEqual(await following, []);
      await writer.close();
    });

    it('keeps a past attempt under a name of its own, its document pointing there', async () => {
      const k = key('build');
      const first = await results.begin(k, startedAt);
      await first.append({ stream: 'stdout', bytes: Buffer.from('first'), at: startedAt });
      await first.close();
      await results.putArtifacts(k, tarOf([{ name: 'a.txt', content: 'first' }]));
      await results.finish(k, { ...passed, outcome: 'failed', exitCode: 1, hasArtifacts: true });
      const again = { ...k, attempt: 2 };
      const second = await results.begin(again, startedAt + 5000);
      assert.deepEqual(second.position, { stdout: 0, stderr: 0 });
      assert.deepEqual(await document(k.run, 'build.json'), { name: 'build', started: '2026-11-21T12:00:05.000Z' });
      await second.append({ stream: 'stdout', bytes: Buffer.from('second'), at: startedAt });
      await second.close();
      await results.finish(again, { ...passed, finishedAt: startedAt + 9000 });

      const past = await document(k.run, 'build@1.json');
      assert.deepEqual([past.status, past.attempt], ['like-a-chump', 1]);
      assert.deepEqual([past.logs, past.artefact], [`run/${k.run}/build@1.log`, `run/${k.run}/build@1.zip`]);
      assert.equal((await document(k.run, 'build.json')).attempt, 2);
      assert.equal(await results.open(k.run, 'build.zip'), undefined);
      assert.ok(await results.open(k.run, 'build@1.zip').then((zip) => zip && buffer(zip)));
      assert.equal(bytesOf(await log(k.run, 'build')).toString(), 'second');
      assert.equal(bytesOf(await log(k.run, 'build', { attempt: 1 })).toString(), 'first');
      assert.equal(bytesOf(await log(k.run, 'build', { attempt: 2 })).toString(), 'second');
      await assert.rejects(results.begin(k, startedAt), { code: 'RESULTS_UNWRITABLE' });
    });

    it('keeps the log of a done beside that of its stage, with no document of its own, and sets both aside for the next attempt', async () => {
      const k = key('create');
      const follower = allOf(
        made.another().readLog({ ...k, part: 'done' }, { from: 0, follow: true, signal: AbortSignal.timeout(20_000) }),
      );
      const write = async (part: { part?: 'done' }, attempt: number, words: string): Promise<void> => {
        const writer = await results.begin({ ...k, ...part, attempt }, startedAt);
        await writer.append({ stream: 'stdout', bytes: Buffer.from(words), at: startedAt });
        await writer.close();
      };
      const read = async (options: { part?: 'done'; attempt?: number }): Promise<string> => {
        const reading = { from: 0, follow: false, signal: never };
        return bytesOf(await allOf(results.readLog({ run: k.run, stage: 'create', ...options }, reading))).toString();
      };
      await write({}, 1, 'created');
      await write({ part: 'done' }, 1, 'not yet,');
      await write({ part: 'done' }, 1, 'there');
      await results.finish(k, passed);
      assert.equal(bytesOf(await follower).toString(), 'not yet,there');
      assert.equal(await read({}), 'created');
      assert.equal(await text(k.run, 'create.done.log'), 'not yet,there');
      assert.equal(await results.open(k.run, 'create.done.json'), undefined);
      await write({}, 2, 'again');
      assert.equal(await read({ part: 'done' }), '');
      assert.equal(await read({ part: 'done', attempt: 1 }), 'not yet,there');
      await write({ part: 'done' }, 2, 'at once');
      assert.deepEqual([await read({}), await read({ part: 'done' })], ['again', 'at once']);
      await results.finish({ ...k, attempt: 2 }, { ...passed, hasLog: false });
      assert.deepEqual([await read({}), await read({ part: 'done' })], ['', '']);
      assert.equal(await results.open(k.run, 'create.done.log'), undefined);
    });

    it('ends the follower of an attempt that died unfinished when the next one begins', async () => {
      const k = key('build');
      const first = await results.begin(k, startedAt);
      await first.append({ stream: 'stdout', bytes: Buffer.from('first'), at: startedAt });
      await first.close();
      const reader = results.readLog(k, { from: 0, follow: true, signal: never })[Symbol.asyncIterator]();
      assert.equal(Buffer.from((await reader.next()).value.bytes).toString(), 'first');
      const second = await results.begin({ ...k, attempt: 2 }, startedAt);
      assert.equal((await reader.next()).done, true);
      await second.close();
    });

    it('keeps stages with odd names apart and refuses names that lead elsewhere', async () => {
      const run = newRunId(Date.now());
      const odd = ['build', 'Bau größer', '构建 🚀', 'a.log', 'a', '-x', '.hidden', 'fetch', '%2e%2e'];
      for (const stage of odd) {
        const writer = await results.begin({ run, stage, attempt: 1 }, startedAt);
        await writer.append({ stream: 'stdout', bytes: Buffer.from(stage), at: startedAt });
        await writer.close();
        await results.finish({ run, stage, attempt: 1 }, passed);
      }
      for (const stage of odd) assert.equal(bytesOf(await log(run, stage)).toString(), stage);
      for (const stage of ['', '.', '..', '../x', 'a/b', 'a\\b', 'a\0b', 'a\nb', 'build@1', '\ud800']) {
        await assert.rejects(results.begin({ run, stage, attempt: 1 }, startedAt), ResultsError, JSON.stringify(stage));
        await assert.rejects(results.finish({ run, stage, attempt: 1 }, passed), ResultsError);
        await assert.rejects(log(run, stage), ResultsError);
      }
      await assert.rejects(results.begin({ run: '..', stage: 'build', attempt: 1 }, startedAt), ResultsError);
      for (const file of ['../secret.json', '..', 'build.log.idx', 'none.json']) assert.equal(await results.open(run, file), undefined);
    });

    it('keeps artifacts with content, modes, links, empty directories and unicode names', async () => {
      const k = key('build');
      const large = Buffer.alloc(300_000, 'large ');
      const stored = await results.putArtifacts(
        k,
        tarOf([
          { name: './', type: 'directory' },
          { name: './bin/', type: 'directory', mode: 0o750 },
          { name: './bin/run me', content: '#!/bin/sh\n', mode: 0o755 },
          { name: './größe/数据 🚀.txt', content: 'unicode' },
          { name: './large', content: large },
          { name: './empty', content: '' },
          { name: './none/', type: 'directory' },
          { name: './link', type: 'symlink', linkname: 'bin/run me' },
          { name: './dangling', type: 'symlink', linkname: '/nowhere' },
          { name: './größe/hard', type: 'link', linkname: './large' },
          { name: './line\nbreak', content: 'x' },
          { name: './pipe', type: 'fifo' },
          { name: `./${'deep/'.repeat(60)}file`, content: 'deep' },
        ]),
      );
      const zip = await readZip(await buffer((await results.open(k.run, 'build.zip')) ?? Readable.from([])));
      const found = Object.fromEntries(
        zip.map(({ path, mode, content }) => [path, [mode, content.length > 99 ? content.length : `${content}`]]),
      );
      assert.deepEqual(found, {
        'bin/': [0o040750, ''],
        'bin/run me': [0o100755, '#!/bin/sh\n'],
        'größe/数据 🚀.txt': [0o100644, 'unicode'],
        large: [0o100644, 300_000],
        empty: [0o100644, ''],
        'none/': [0o040755, ''],
        link: [0o120777, 'bin/run me'],
        dangling: [0o120777, '/nowhere'],
        'größe/hard': [0o120777, '../large'],
        'line\nbreak': [0o100644, 'x'],
        [`${'deep/'.repeat(60)}file`]: [0o100644, 'deep'],
      });
      assert.deepEqual(
        stored?.files.map(({ path }) => path),
        Object.keys(found),
      );
      const file = stored?.files.find(({ path }) => path === 'large');
      assert.deepEqual(file, {
        path: 'large',
        bytes: 300_000,
        mode: 0o644,
        digest: `sha256:${createHash('sha256').update(large).digest('hex')}`,
      });
      assert.equal(stored?.files.find(({ path }) => path === 'link')?.target, 'bin/run me');
    });

    it('keeps no zip of an empty directory (R-DCK-95)', async () => {
      const k = key('build');
      assert.equal(await results.putArtifacts(k, tarOf([{ name: './', type: 'directory' }])), undefined);
      assert.equal(await results.putArtifacts(k, tarOf([])), undefined);
      assert.equal(await results.open(k.run, 'build.zip'), undefined);
    });

    it('keeps what the steps of a stage kept as a further zip of each attempt, beside that of the stage', async () => {
      const k = key('build');
      await (await results.begin(k, startedAt)).close();
      const own = await results.putArtifacts(k, tarOf([{ name: 'a', content: 'own' }]));
      const stored = await results.putArtifacts({ ...k, part: 'steps' }, tarOf([{ name: 'test/report', content: '1' }]));
      assert.deepEqual([own?.key, stored?.key], ['build.zip', 'build.steps.zip']);
      await (await results.begin({ ...k, attempt: 2 }, startedAt)).close();
      assert.equal(await results.open(k.run, 'build.steps.zip'), undefined);
      const past = await results.open(k.run, 'build.steps@1.zip');
      assert.ok(past !== undefined);
      assert.deepEqual(
        (await readZip(await buffer(past))).map(({ path }) => path),
        ['test/report'],
      );
    });

    it('refuses artifacts whose names lead out of their directory, and keeps nothing of them', async () => {
      const bad = ['../x', 'a/../../x', '/etc/passwd', '..', '..\\..\\x', 'C:\\x', 'link/x'];
      for (const name of bad) {
        const k = key('build');
        const entries = [{ name: 'link', type: 'symlink', linkname: '/etc' } as const, { name, content: 'x' }];
        await assert.rejects(results.putArtifacts(k, tarOf(entries)), { name: 'ResultsError', code: 'RESULTS_UNWRITABLE' }, name);
        assert.equal(await results.open(k.run, 'build.zip'), undefined);
      }
    });

    it('keeps nothing of artifacts that break off, and keeps them whole the next time', async () => {
      const k = key('build');
      const whole = await buffer(tarOf([{ name: 'a', content: Buffer.alloc(200_000, 'a') }]));
      const broken = async function* () {
        yield whole.subarray(0, 100_000);
        throw new Error('the engine is gone');
      };
      await assert.rejects(results.putArtifacts(k, Readable.from(broken())), { code: 'RESULTS_UNWRITABLE' });
      await assert.rejects(results.putArtifacts(k, Readable.from([whole.subarray(0, 100_000)])), { code: 'RESULTS_UNWRITABLE' });
      await assert.rejects(results.putArtifacts(k, Readable.from([Buffer.alloc(4096, 'no tar')])), { code: 'RESULTS_UNWRITABLE' });
      assert.equal(await results.open(k.run, 'build.zip'), undefined);
      assert.equal((await results.putArtifacts(k, Readable.from([whole])))?.files[0]?.bytes, 200_000);
    });
  });
};

const allOf = (chunks: AsyncIterable<StoredChunk>): Promise<StoredChunk[]> => Readable.from(chunks).toArray();

type TarEntry = {
  readonly name: string;
  readonly content?: string | Buffer;
  readonly type?: 'directory' | 'symlink' | 'link' | 'fifo';
  readonly mode?: number;
  readonly linkname?: string;
};

const tarOf = (entries: readonly TarEntry[]): Readable => {
  const tar = pack();
  for (const { content, ...header } of entries) {
    if (content === undefined) tar.entry(header);
    else tar.entry({ mode: 0o644, ...header }, content);
  }
  tar.finalize();
  return Readable.from(tar as AsyncIterable<Uint8Array>, { objectMode: false });
};

/** Of all sizes up to beyond a read's, any bytes, streams in turns of several. */
const randomChunks = (count: number): StoredChunk[] =>
  Array.from({ length: count }, (_, i) => ({
    stream: Math.floor(i / 3) % 2 === 0 ? 'stdout' : 'stderr',
    bytes: Buffer.alloc(((i * 7919) % 5000) + (i % 50 === 0 ? 700_000 : 1), `\0\xff${i}\r\n`, 'latin1'),
    at: startedAt + i * 20,
  }));

const streamOfEachByte = (chunks: readonly StoredChunk[]): string =>
  chunks.map(({ stream, bytes }) => (stream === 'stdout' ? '1' : '2').repeat(bytes.length)).join('');

type Unzipped = { readonly path: string; readonly mode: number; readonly content: Buffer };

const readZip = async (bytes: Buffer): Promise<readonly Unzipped[]> => {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true }, (error, file) => (error ? reject(error) : resolve(file)));
  });
  const found: Unzipped[] = [];
  await new Promise<void>((resolve, reject) => {
    zip.on('error', reject).on('end', resolve);
    zip.on('entry', (entry: Entry) => {
      zip.openReadStream(entry, (error, stream) => {
        if (error) return reject(error);
        buffer(stream).then((content) => {
          assert.equal(crc32(content), entry.crc32, entry.fileName);
          found.push({ path: entry.fileName, mode: entry.externalFileAttributes >>> 16, content });
          zip.readEntry();
        }, reject);
      });
    });
    zip.readEntry();
  });
  return found;
};
