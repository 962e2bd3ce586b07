import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { pack } from 'tar-stream';
import type { StageSummary } from '../results.ts';
import { resultsContract } from '../results.contract.ts';
import { ResultsError } from '../results-error.ts';
import { fsResults } from './fs-results.ts';

resultsContract('fs', async () => {
  const root = await mkdtemp(join(tmpdir(), 'cion results '));
  return { results: fsResults({ root }), another: () => fsResults({ root }), close: () => rm(root, { recursive: true }) };
});

describe('fsResults', () => {
  const run = 'run_1';
  const key = { run, stage: 'build', attempt: 1 };
  const at = 1_800_000_000_000;
  const passed: StageSummary = { outcome: 'passed', startedAt: at, finishedAt: at, hasLog: true, hasArtifacts: false };
  const once32k = Buffer.alloc(32 * 1024, 'log line\n');
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cion-results-'));
  });
  after(() => rm(root, { recursive: true }));
  const fresh = () => mkdtemp(join(root, 'x-'));
  const logOf = async (directory: string): Promise<string> => {
    const pieces: Uint8Array[] = [];
    const reading = { from: 0, follow: false, signal: new AbortController().signal };
    for await (const { bytes } of fsResults({ root: directory }).readLog({ run, stage: 'build' }, reading)) pieces.push(bytes);
    return Buffer.concat(pieces).toString();
  };

  it('lays out document, log and zip by run and stage (R-DCK-93, R-DCK-94, R-DCK-95)', async () => {
    const directory = await fresh();
    const results = fsResults({ root: directory });
    const log = await results.begin(key, at);
    await log.close();
    const tar = pack();
    tar.entry({ name: 'a' }, 'a');
    tar.finalize();
    await results.putArtifacts(key, Readable.from(tar as AsyncIterable<Uint8Array>));
    await results.finish(key, { ...passed, hasArtifacts: true });
    assert.deepEqual((await readdir(join(directory, run))).sort(), ['build.json', 'build.log', 'build.log.idx', 'build.zip']);
    assert.match(execFileSync('python3', ['-m', 'zipfile', '-t', join(directory, run, 'build.zip')]).toString(), /Done/);
  });

  it('cuts off what a crash left uncovered or half written, and goes on from there', async () => {
    const directory = await fresh();
    const results = fsResults({ root: directory });
    const log = await results.begin(key, at);
    await log.append({ stream: 'stdout', bytes: Buffer.from('one,'), at });
    await log.append({ stream: 'stderr', bytes: Buffer.from('two,'), at });
    await appendFile(join(directory, run, 'build.log'), 'bytes without a record');
    await appendFile(join(directory, run, 'build.log.idx'), Buffer.alloc(9, 1));
    assert.equal(await logOf(directory), 'one,two,');
    const resumed = await fsResults({ root: directory }).begin(key, at);
    assert.deepEqual(resumed.position, { stdout: 4, stderr: 4 });
    await resumed.append({ stream: 'stdout', bytes: Buffer.from('three'), at });
    await resumed.close();
    assert.equal(await readFile(join(directory, run, 'build.log'), 'utf8'), 'one,two,three');
    assert.equal(await logOf(directory), 'one,two,three');
  });

  it('goes on from the bytes that are there when a power cut left records without them', async () => {
    const directory = await fresh();
    const log = await fsResults({ root: directory }).begin(key, at);
    await log.append({ stream: 'stdout', bytes: Buffer.from('one,'), at });
    await log.append({ stream: 'stderr', bytes: Buffer.from('two,'), at });
    await truncate(join(directory, run, 'build.log'), 6);
    const resumed = await fsResults({ root: directory }).begin(key, at);
    assert.deepEqual(resumed.position, { stdout: 4, stderr: 2 });
    await resumed.append({ stream: 'stdout', bytes: Buffer.from('three'), at });
    assert.equal(await logOf(directory), 'one,twthree');
  });

  it('has every appended byte after kill -9, and the position of each stream', async () => {
    const directory = await fresh();
    const child = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      `import { fsResults } from ${JSON.stringify(new URL('./fs-results.ts', import.meta.url).href)};
       const log = await fsResults({ root: ${JSON.stringify(directory)} }).begin(${JSON.stringify(key)}, ${at});
       for (let i = 0; ; i++) {
         await log.append({ stream: i % 5 ? 'stdout' : 'stderr', bytes: Buffer.from(i + ' '.repeat(i % 9000) + '\\n'), at: Date.now() });
         if (i % 500 === 499) { process.stdout.write(i + '\\n'); await new Promise((resolve) => setImmediate(resolve)); }
       }`,
    ]);
    let promised = 0;
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (text) => {
        promised = Number(String(text).trim().split('\n').at(-1));
        if (promised > 2000) resolve();
      });
    });
    child.kill('SIGKILL');
    assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
    const { position } = await fsResults({ root: directory }).begin(key, at);
    const lines = (await logOf(directory)).split('\n').slice(0, -1);
    assert.ok(lines.length > promised);
    assert.ok(lines.every((line, i) => line === `${i}${' '.repeat(i % 9000)}`));
    const stderr = lines.filter((_line, i) => i % 5 === 0).reduce((sum, line) => sum + line.length + 1, 0);
    const all = lines.reduce((sum, line) => sum + line.length + 1, 0);
    assert.deepEqual(position, { stdout: all - stderr, stderr });
  });

  it('keeps the index small however small the chunks are', async () => {
    const directory = await fresh();
    const log = await fsResults({ root: directory }).begin(key, at);
    for (let i = 0; i < 20_000; i++) await log.append({ stream: 'stdout', bytes: Buffer.from('a line\n'), at: at + i / 100 });
    await log.close();
    assert.ok((await stat(join(directory, run, 'build.log.idx'))).size < 200);
    assert.equal((await logOf(directory)).length, 140_000);
  });

  it('reads a large log, and keeps large artifacts, in bounded memory', async () => {
    const directory = await fresh();
    const results = fsResults({ root: directory });
    const log = await results.begin(key, at);
    for (let i = 0; i < 6400; i++) await log.append({ stream: 'stdout', bytes: once32k, at: at + i });
    await log.close();
    const before = process.memoryUsage().rss;
    let peak = before;
    let bytes = 0;
    for await (const chunk of results.readLog(key, { from: 0, follow: false, signal: new AbortController().signal })) {
      bytes += chunk.bytes.length;
      if (bytes % 1_000_000 < 40_000) peak = Math.max(peak, process.memoryUsage().rss);
    }
    assert.equal(bytes, 6400 * once32k.length);
    const tar = pack();
    const entry = tar.entry({ name: 'large', size: bytes });
    const feeding = (async () => {
      for (let i = 0; i < 6400; i++) {
        if (!entry.write(once32k)) await once(entry as unknown as NodeJS.EventEmitter, 'drain');
        peak = Math.max(peak, process.memoryUsage().rss);
      }
      entry.end(null);
      tar.finalize();
    })();
    const stored = await results.putArtifacts(key, Readable.from(tar as AsyncIterable<Uint8Array>));
    await feeding;
    assert.equal(stored?.files[0]?.bytes, bytes);
    assert.ok(peak - before < 150e6, `${Math.round((peak - before) / 1e6)} MB more`);
  });

  it('says that it cannot write or read, with the reason, where the place is no directory', async () => {
    const directory = await fresh();
    await writeFile(join(directory, 'file'), '');
    const results = fsResults({ root: join(directory, 'file') });
    await assert.rejects(results.begin(key, at), {
      name: 'ResultsError',
      code: 'RESULTS_UNWRITABLE',
      message: /not a directory|EEXIST|ENOTDIR/,
    });
    await assert.rejects(results.finish(key, passed), { code: 'RESULTS_UNWRITABLE' });
    await assert.rejects(results.open(run, 'build.json'), { code: 'RESULTS_UNREADABLE' });
  });

  it('says NO_SPACE on a full disk, keeps what was there, and goes on when there is room again', { skip: cannotMount() }, async () => {
    const directory = await fresh();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
    try {
      const results = fsResults({ root: directory });
      const log = await results.begin(key, at);
      await writeFile(join(directory, 'filler'), Buffer.alloc(600_000));
      let kept = 0;
      const fill = async () => {
        for (;;) {
          await log.append({ stream: 'stdout', bytes: once32k, at });
          kept += once32k.length;
        }
      };
      await assert.rejects(fill(), (error: unknown) => {
        assert.ok(error instanceof ResultsError);
        assert.equal(error.code, 'NO_SPACE');
        assert.match(error.message, /^There is no space left on the disk for the log of "build"\. /);
        return true;
      });
      assert.equal(log.position.stdout, kept);
      const noise = Array.from({ length: 300 }, (_, i) => ({
        name: `f${i}`,
        bytes: Buffer.from(crypto.getRandomValues(new Uint8Array(9000))),
      }));
      const tar = pack();
      for (const { name, bytes } of noise) tar.entry({ name }, bytes);
      tar.finalize();
      const whole = Buffer.concat(await Readable.from(tar).toArray());
      await assert.rejects(results.putArtifacts(key, Readable.from([whole])), { code: 'NO_SPACE' });
      assert.equal(JSON.parse(await readFile(join(directory, run, 'build.json'), 'utf8')).name, 'build');
      assert.deepEqual((await readdir(join(directory, run))).sort(), ['build.json', 'build.log', 'build.log.idx']);
      await rm(join(directory, 'filler'));
      await log.append({ stream: 'stderr', bytes: Buffer.from('the end'), at });
      await log.close();
      assert.deepEqual((await logOf(directory)).slice(kept), 'the end');
      assert.equal((await stat(join(directory, run, 'build.log'))).size, kept + 7);
    } finally {
      execFileSync('umount', [directory]);
    }
  });

  it('finds its way when a crash cut the setting aside of an attempt short, at any point', async () => {
    for (const steps of [0, 1, 2, 3, 4]) {
      const directory = await fresh();
      const results = fsResults({ root: directory });
      const log = await results.begin(key, at);
      await log.append({ stream: 'stdout', bytes: Buffer.from('first'), at });
      await log.close();
      await results.finish(key, passed);
      const place = (name: string) => join(directory, run, name);
      const moves = ['.json', '.zip', '.log', '.log.idx'].slice(0, steps);
      for (const end of moves) {
        if (end === '.json') await writeFile(place('build@1.json'), await readFile(place('build.json')));
        else if (end !== '.zip') execFileSync('mv', [place(`build${end}`), place(`build@1${end}`)]);
      }
      if (steps < 4) assert.equal(await logOf(directory), 'first');
      const second = await results.begin({ ...key, attempt: 2 }, at + 1);
      await second.append({ stream: 'stdout', bytes: Buffer.from('second'), at });
      await second.close();
      assert.equal(await logOf(directory), 'second');
      assert.equal(await readFile(place('build@1.log'), 'utf8'), 'first');
      assert.deepEqual(Object.keys(JSON.parse(await readFile(place('build.json'), 'utf8'))), ['name', 'started']);
    }
  });
});

function cannotMount(): string | false {
  return process.getuid?.() === 0 && process.platform === 'linux' ? false : 'only root can mount a small disk';
}
