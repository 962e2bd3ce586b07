import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { paths } from '../../api/paths.ts';
import type { LogWriter, Results } from '../../results/results.ts';
import { memoryResults } from '../../results/memory/memory-results.ts';
import type { RunEvent } from '../../run/run-event.ts';
import { passed, planOf, preparing, stageOf, startedNow } from '../dispatch/testing/served.ts';
import { ask } from '../testing/requests.ts';
import { finishedSummary, type RunServer, runServer } from '../testing/run-server.ts';

const never = new AbortController().signal;

/** Results whose readings are counted. */
const counted = () => {
  const kept = memoryResults();
  const readings: { readonly follow: boolean; readonly from: number }[] = [];
  const results: Results = {
    ...kept,
    readLog: (key, options) => {
      readings.push({ follow: options.follow, from: options.from });
      return kept.readLog(key, options);
    },
  };
  return { results, readings };
};

/** Its first stage runs, its log is open. */
const running = async (server: RunServer) => {
  const run = await server.runs.plan(planOf([stageOf('build'), stageOf('test', ['build'])]));
  const { number = 0 } = (await server.runs.state(run)) ?? {};
  const [claimed] = await server.runs.claim();
  assert.ok(claimed);
  await server.runs.tell(claimed, 1, [preparing(claimed), startedNow(claimed)]);
  const log = await server.results.begin({ run, stage: 'build', attempt: 1 }, 1000);
  const finish = async (): Promise<void> => {
    await log.close();
    await server.results.finish({ run, stage: 'build', attempt: 1 }, finishedSummary);
    await server.runs.tell(claimed, 2, [passed(claimed)]);
  };
  return { run, number, log, finish };
};

const write = (log: LogWriter, bytes: Uint8Array, i: number) =>
  log.append({ stream: i % 3 === 0 ? 'stderr' : 'stdout', bytes, at: 1000 + i });

const follow = async (
  server: RunServer,
  number: number,
  from = 0,
  onPiece: (total: number) => Promise<void> | void = () => {},
): Promise<Buffer> => {
  const pieces: Uint8Array[] = [];
  let total = from;
  for await (const { bytes, end } of server.as('account:ada').followLog('acme/app', number, 'build', { from }, never)) {
    pieces.push(bytes);
    total += bytes.length;
    assert.equal(end, total);
    await onPiece(total);
  }
  return Buffer.concat(pieces);
};

describe('live logs', () => {
  it('give 50 readers who join at any time, some slow, each byte of a log as it was written, from few readings of it', {
    timeout: 60_000,
  }, async () => {
    const { results, readings } = counted();
    const server = await runServer({ results, limits: { ringBytes: 64 * 1024 } });
    const { number, log, finish } = await running(server);
    const whole: Buffer[] = [];
    const readers: Promise<Buffer>[] = [];
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.alloc(((i * 7919) % 4000) + 1, `\0\xff${i}\r\n`, 'latin1');
      whole.push(bytes);
      if (i % 4 === 0) {
        const isSlow = i % 8 === 0;
        readers.push(follow(server, number, 0, () => (isSlow ? new Promise((resolve) => setImmediate(resolve)) : undefined)));
      }
      await write(log, bytes, i);
      if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await finish();
    readers.push(follow(server, number));
    const expected = Buffer.concat(whole);
    const seen = await Promise.all(readers);
    assert.equal(seen.length, 51);
    for (const bytes of seen) assert.ok(bytes.equals(expected), `${bytes.length} of ${expected.length}`);
    assert.deepEqual(await follow(server, number, 12_345), expected.subarray(12_345));
    assert.equal(readings.filter(({ follow }) => follow).length, 1);
    await server.close();
  });

  it('read the results once for 500 readers who are there from the beginning', { timeout: 60_000 }, async () => {
    const { results, readings } = counted();
    const server = await runServer({ results, limits: { streamsPerAddress: 1000, requestsPerMinute: 10_000 } });
    const { number, log, finish } = await running(server);
    const first = Promise.withResolvers<void>();
    let there = 0;
    const readers = Array.from({ length: 500 }, () => follow(server, number, 0, () => void (++there === 500 && first.resolve())));
    await write(log, Buffer.from('first'), 0);
    await first.promise;
    const before = readings.length;
    for (let i = 1; i < 20; i++) await write(log, Buffer.from(`line ${i}\n`), i);
    await finish();
    const seen = await Promise.all(readers);
    assert.equal(new Set(seen.map(String)).size, 1);
    assert.ok(String(seen[0]).endsWith('line 19\n'));
    assert.equal(readings.filter(({ follow }) => follow).length, 1);
    assert.ok(readings.length - before <= 2, `${readings.length - before} readings`);
    await server.close();
  });

  it('go on where a reader was cut off, by Last-Event-ID, without a byte lost or doubled', async () => {
    const server = await runServer();
    const { number, log, finish } = await running(server);
    const cut = new AbortController();
    const got: Uint8Array[] = [];
    let last = 0;
    await write(log, Buffer.from('one '), 0);
    const pieces = server.as('account:ada').followLog('acme/app', number, 'build', { from: 0 }, cut.signal);
    for await (const { bytes, end } of pieces) {
      got.push(bytes);
      last = end;
      break;
    }
    cut.abort();
    await write(log, Buffer.from('two '), 1);
    await finish();
    const rest = await ask(server.url, paths.logStream('acme/app', number, 'build'), {
      as: 'account:ada',
      headers: { 'last-event-id': String(last) },
    });
    const more = [...rest.text.matchAll(/"bytes":"([^"]*)"/g)].map(([, text = '']) => Buffer.from(text, 'base64'));
    assert.equal(Buffer.concat([...got, ...more]).toString(), 'one two ');
    assert.match(rest.text, /event: end\n/);
    await server.close();
  });

  it('of a stage that has not begun are waited for, and end when it is never begun', async () => {
    const server = await runServer();
    const { run, number, finish } = await running(server);
    const early = server.as('account:ada').followLog('acme/app', number, 'test', { from: 0 }, never);
    const seen = early.next();
    await finish();
    const [test] = await server.runs.claim();
    assert.ok(test);
    const log = await server.results.begin({ run, stage: 'test', attempt: 1 }, 1000);
    await write(log, Buffer.from('tested'), 0);
    const { value } = await seen;
    assert.ok(typeof value === 'object');
    assert.equal(Buffer.from(value.bytes).toString(), 'tested');
    await log.close();
    await early.return(false);

    const other = await running(server);
    const skipped = server.as('account:ada').followLog('acme/app', other.number, 'test', { from: 0 }, never).next();
    await server.as('account:ada').cancel('acme/app', other.number);
    assert.equal((await skipped).done, true);
    await server.close();
  });

  it('do not wait for what lies beyond the end of a log, so that nobody else waits there either', async () => {
    const server = await runServer();
    const { number, log, finish } = await running(server);
    await write(log, Buffer.from('short'), 0);
    await assert.rejects(follow(server, number, 1e12));
    const reading = follow(server, number);
    await write(log, Buffer.from(' and more'), 1);
    await finish();
    assert.equal((await reading).toString(), 'short and more');
    await server.close();
  });

  it('wait for no reader: one that takes nothing is cut off, and the others have all of it (atk-69)', { timeout: 60_000 }, async () => {
    const server = await runServer({ limits: { idleMs: 700, heartbeatMs: 100, ringBytes: 64 * 1024 } });
    const { number, log, finish } = await running(server);
    const { hostname, port } = new URL(server.url);
    const stuck = connect(Number(port), hostname);
    stuck.on('error', () => {}).pause();
    const closed = once(stuck, 'close');
    stuck.write(`GET ${paths.logStream('acme/app', number, 'build')} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer account:ada\r\n\r\n`);
    const reader = follow(server, number);
    const expected: Buffer[] = [];
    for (let i = 0; i < 150; i++) {
      const bytes = Buffer.alloc(100_000, `${i} `);
      expected.push(bytes);
      await write(log, bytes, i);
    }
    await finish();
    assert.ok((await reader).equals(Buffer.concat(expected)));
    const connections = (): Promise<number> =>
      new Promise((resolve) => server.app.server.getConnections((_error, count) => resolve(count)));
    while ((await connections()) > 1) await new Promise((resolve) => setImmediate(resolve));
    stuck.resume();
    await closed;
    await server.close();
  });
});

describe('live events', () => {
  let server: RunServer;
  before(async () => {
    server = await runServer({ limits: { streamsPerAddress: 20, streams: 30, heartbeatMs: 60_000 } });
  });
  after(() => server.close());

  it('come past first, then as they happen, each once and in order, for whoever joins whenever', async () => {
    const stop = new AbortController();
    const all: Promise<number[]>[] = [];
    const collect = async (number: number, after: number): Promise<number[]> => {
      const seen: number[] = [];
      const last = (event: RunEvent): boolean => event.kind === 'run.finished';
      for await (const event of server.as('account:ada').followEvents('acme/app', number, after, stop.signal)) {
        seen.push(event.seq);
        if (last(event)) break;
      }
      return seen;
    };
    const { run, number, finish } = await running(server);
    all.push(collect(number, 0), collect(number, 3));
    await finish();
    all.push(collect(number, 0), collect(number, 3));
    const [test] = await server.runs.claim();
    assert.ok(test);
    await server.carry(test, passed(test));
    all.push(collect(number, 0), collect(number, 3));
    const expected = (await server.runs.events(run)).map(({ seq }) => seq);
    const seen = await Promise.all(all);
    for (const [i, each] of seen.entries()) assert.deepEqual(each, i % 2 === 0 ? expected : expected.slice(3));
    stop.abort();
  });

  it('are followed by no more than there is room for, and leaving makes room (atk-69)', async () => {
    const { number } = await running(server);
    const open = () =>
      new Promise<{ readonly status: number; close(): Promise<unknown> }>((resolve, reject) => {
        const sent = request(new URL(paths.eventStream('acme/app', number), server.url), {
          agent: false,
          headers: { authorization: 'Bearer account:ada' },
        });
        sent.on('error', reject);
        sent.on('response', (answer) => {
          answer.resume();
          const gone = new Promise((closed) => answer.on('close', closed));
          resolve({ status: answer.statusCode ?? 0, close: () => (sent.destroy(), gone) });
          sent.removeListener('error', reject).on('error', () => {});
          answer.on('error', () => {});
        });
        sent.end();
      });
    const streams = await Promise.all(Array.from({ length: 20 }, open));
    assert.ok(streams.every(({ status }) => status === 200));
    const refused = await open();
    assert.equal(refused.status, 429);
    await refused.close();
    await Promise.all(streams.map((stream) => stream.close()));
    let next = await open();
    while (next.status === 429) {
      await next.close();
      next = await open();
    }
    assert.equal(next.status, 200);
    await next.close();
  });
});
