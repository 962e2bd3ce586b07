import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { text } from 'node:stream/consumers';
import { systemClock } from '../lib/clock.ts';
import { virtualClock } from '../lib/virtual-clock.ts';
import { httpSink, type HttpSinkOptions } from './http-sink.ts';

type Asked = { readonly headers: IncomingMessage['headers']; readonly lines: readonly unknown[] };

/** A real server; `answer` decides about each request, in the order in which they come. */
const server = async (t: TestContext, answer: (request: Asked, response: ServerResponse, count: number) => void) => {
  const asked: Asked[] = [];
  const came = { next: Promise.withResolvers<void>() };
  const listening = createServer((request, response) => {
    void text(request).then((body) => {
      const one = {
        headers: request.headers,
        lines: body
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
      };
      asked.push(one);
      answer(one, response, asked.length);
      came.next.resolve();
      came.next = Promise.withResolvers();
    });
  }).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  t.after(() => {
    listening.closeAllConnections();
    listening.close();
  });
  const close = () => new Promise((closed) => listening.close(closed));
  const { port } = listening.address() as AddressInfo;
  const requests = async (count: number): Promise<void> => {
    while (asked.length < count) await came.next.promise;
  };
  return { url: `http://127.0.0.1:${port}/here`, asked, requests, close };
};

const sinkTo = (url: string, more: Partial<HttpSinkOptions> = {}) => {
  const warnings: string[] = [];
  const sink = httpSink({ url, run: 'run_1', clock: systemClock, warn: (reason) => warnings.push(reason), ...more });
  return { sink, warnings };
};

const ok = (_: Asked, response: ServerResponse): void => void response.end();

test('lines arrive once and in their order, many with one request, with the token and the run', async (t) => {
  const { url, asked } = await server(t, ok);
  const { sink, warnings } = sinkTo(url, { token: 's3cret', limits: { batchBytes: 100 } });
  for (let n = 0; n < 200; n++) sink.send({ n });
  await sink.close();
  assert.deepEqual(
    asked.flatMap(({ lines }) => lines),
    Array.from({ length: 200 }, (_, n) => ({ n })),
  );
  assert.ok(asked.length < 40, `${asked.length} requests`);
  assert.deepEqual(
    asked.map(({ headers }) => headers['cion-batch']),
    asked.map((_, i) => String(i + 1)),
  );
  const { authorization, 'cion-run': run } = asked[0]?.headers ?? {};
  assert.deepEqual([authorization, run, warnings], ['Bearer s3cret', 'run_1', []]);
});

test('a request that is answered 500 or cut off is sent again, the same, and what comes later waits for it', async (t) => {
  const clock = virtualClock();
  const { url, asked, requests } = await server(t, (_request, response, count) => {
    if (count === 1) response.writeHead(500).end();
    else if (count === 2) response.destroy();
    else response.end();
  });
  const { sink, warnings } = sinkTo(url, { clock });
  sink.send({ n: 1 });
  await requests(1);
  sink.send({ n: 2 });
  await requestsAfterPauses(clock, requests, 3);
  await sink.close();
  assert.deepEqual(
    asked.map(({ headers, lines }) => [headers['cion-batch'], lines]),
    [
      ['1', [{ n: 1 }]],
      ['1', [{ n: 1 }]],
      ['1', [{ n: 1 }]],
      ['2', [{ n: 2 }]],
    ],
  );
  assert.deepEqual(warnings, ['it answers 500']);
});

/** Lets the virtual time of the pauses pass, however long they take to be asked for. */
const requestsAfterPauses = async (clock: ReturnType<typeof virtualClock>, requests: (count: number) => Promise<void>, count: number) => {
  let isThere = false;
  const there = requests(count).then(() => {
    isThere = true;
  });
  while (!isThere) {
    await Promise.race([there, new Promise(setImmediate)]);
    await clock.advance(1000);
  }
};

test('a server that refuses is told of once and left alone', async (t) => {
  const { url, asked, requests } = await server(t, (_request, response) => void response.writeHead(401).end());
  const { sink, warnings } = sinkTo(url);
  sink.send({ n: 1 });
  await requests(1);
  await sink.close();
  sink.send({ n: 2 });
  await sink.close();
  assert.deepEqual([asked.length, warnings], [1, ['it answers 401']]);
});

test('a server that never answers holds up the end for no longer than the limit, and memory is bounded meanwhile', async (t) => {
  const { url, asked, requests } = await server(t, () => undefined);
  const { sink, warnings } = sinkTo(url, { limits: { queueBytes: 1000, batchBytes: 100, closeMs: 50 } });
  sink.send({ n: 0 });
  await requests(1);
  for (let n = 1; n < 10_000; n++) sink.send({ n, text: 'x'.repeat(100) });
  await sink.close();
  assert.equal(asked.length, 1);
  assert.deepEqual(warnings, ['it is too slow, and not all can be kept for it']);
});

test('what did not fit is told with its number, at its place', async (t) => {
  const held = Promise.withResolvers<ServerResponse>();
  const { url, asked, requests } = await server(t, (_request, response, count) => {
    if (count === 1) held.resolve(response);
    else response.end();
  });
  const { sink } = sinkTo(url, { limits: { queueBytes: 20 } });
  sink.send({ n: 0 });
  await requests(1);
  sink.send({ n: 1 });
  for (let n = 2; n < 6; n++) sink.send({ n, text: 'x'.repeat(20) });
  (await held.promise).end();
  await requests(3);
  await sink.close();
  assert.deepEqual(
    asked.flatMap(({ lines }) => lines),
    [{ n: 0 }, { n: 1 }, { kind: 'dropped', lines: 4 }],
  );
});

test('a server that is not there is told of once, and nothing waits long for it', async (t) => {
  const gone = await server(t, ok);
  await gone.close();
  const { sink, warnings } = sinkTo(gone.url, { limits: { closeMs: 100, firstPauseMs: 1 } });
  sink.send({ n: 1 });
  await sink.close();
  assert.deepEqual(warnings, ['it cannot be reached (ECONNREFUSED)']);
});
