import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../lib/clock.ts';
import { sqlMarks } from '../../store/sql/marks.ts';
import { testDatabases } from '../../store/sql/testing/databases.ts';
import { served } from '../dispatch/testing/served.ts';
import { webServer } from '../outgoing/testing/web-server.ts';
import { followRuns } from '../runs/follow-runs.ts';
import { untilIdle } from '../testing/until-idle.ts';
import { sendTraces, traceEndpoint } from './send-traces.ts';
import { timedRun } from './testing/timed-run.ts';
import { type Span, type Trace, traceOf } from './trace-of.ts';

const spansOf = (trace: Trace | undefined): readonly Span[] => trace?.resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
const ms = (nanos: string): number => Number(BigInt(nanos) / 1_000_000n);

test('a run that has ended is spans in spans: the run, its attempts, their steps', async () => {
  const it = served();
  const run = await timedRun(it);
  const events = await it.events(run);
  const spans = spansOf(traceOf(events));
  const [whole] = spans;
  const parents = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  assert.deepEqual(
    spans.map(({ name, parentSpanId, startTimeUnixNano, endTimeUnixNano, status }) => [
      name,
      parents.get(parentSpanId ?? ''),
      ms(startTimeUnixNano) - 1_000_000,
      ms(endTimeUnixNano) - 1_000_000,
      status.code,
    ]),
    [
      ['acme/app #1', undefined, 0, 21_600, 1],
      ['fetch', 'acme/app #1', 0, 0, 1],
      ['build', 'acme/app #1', 0, 9000, 2],
      ['build', 'acme/app #1', 9000, 17_600, 1],
      ['compile', 'build', 13_600, 17_600, 0],
      ['deploy', 'acme/app #1', 17_600, 21_600, 1],
    ],
  );
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length);
  for (const { traceId, spanId } of spans) {
    assert.equal(traceId, whole?.traceId);
    assert.match(`${traceId} ${spanId}`, /^[0-9a-f]{32} [0-9a-f]{16}$/);
  }
  assert.deepEqual(traceOf(events), traceOf(events));
  assert.equal(traceOf(events.slice(0, -1)), undefined);
  assert.equal(traceOf([]), undefined);
});

test('a stop does not wait for a collector that never answers, and the trace is sent by the next server', async (t) => {
  const it = served();
  let isSilent = true;
  const collector = await webServer(t, () => (isSilent ? new Promise(() => undefined) : { status: 200 }));
  const [first] = testDatabases;
  const made = await first?.make();
  assert.ok(made);
  t.after(() => made.close());
  const failures: unknown[] = [];
  const failed = (error: unknown): void => void failures.push(error);
  const deps = { dispatcher: it.dispatcher, runs: it.store.runs, marks: sqlMarks(made.database), failed };
  const follower = (clock: Clock) =>
    followRuns({ ...deps, clock }, sendTraces({ url: collector.url, headers: {} }, { runs: it.store.runs, failed }));
  await untilIdle(it.clock.now(), follower);
  const going = new AbortController();
  const ended = follower(it.clock).start(going.signal);
  await timedRun(it);
  await collector.came(1);
  const began = performance.now();
  going.abort();
  await ended;
  assert.ok(performance.now() - began < 5000);
  assert.deepEqual(failures, []);
  isSilent = false;
  await untilIdle(it.clock.now(), follower);
  assert.equal(collector.requests.length, 2);
});

test('a trace has no message, no subject of a commit and no output of a run', async () => {
  const it = served();
  const run = await timedRun(it);
  const events = (await it.events(run)).map((event) => {
    if (event.kind === 'fetch.finished') return { ...event, source: { ...event.source, subject: 'hunter2' } };
    if (event.kind !== 'stage.finished') return event;
    return { ...event, cause: { kind: 'error', code: 'X', message: 'hunter2', step: { id: 's', name: 's', message: 'hunter2' } } as const };
  });
  assert.doesNotMatch(JSON.stringify(traceOf(events)), /hunter2/);
});

test('where traces go stands in the environment, as OpenTelemetry says', () => {
  assert.equal(traceEndpoint({}), undefined);
  assert.equal(traceEndpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }), undefined);
  assert.deepEqual(
    traceEndpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/x/', OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b, x = y=z' }),
    {
      url: 'http://c:4318/x/v1/traces',
      headers: { 'api-key': 'a b', x: 'y=z' },
    },
  );
});

test('a collector gets one trace of each run, later when it could not take it, and never again what it will not take', async (t) => {
  const statuses = [503, 200, 400];
  const collector = await webServer(t, () => ({ status: statuses.shift() ?? 200, body: '{}' }));
  const [first] = testDatabases;
  assert.ok(first);
  const made = await first.make();
  t.after(() => made.close());
  const endpoint = traceEndpoint({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: 'api-key=k' });
  assert.ok(endpoint);
  const it = served();
  const failures: string[] = [];
  const failed = (error: unknown): void => void failures.push(String(error));
  const look = () =>
    untilIdle(it.clock.now(), (clock) =>
      followRuns(
        { dispatcher: it.dispatcher, runs: it.store.runs, marks: sqlMarks(made.database), clock, failed },
        sendTraces(endpoint, { runs: it.store.runs, failed }),
      ),
    );
  await look();
  const run = await timedRun(it);
  await look();
  await look();
  const [refused, taken, ...more] = collector.requests;
  assert.equal(more.length, 0);
  assert.deepEqual([taken?.method, taken?.path, taken?.headers['api-key']], ['POST', '/v1/traces', 'k']);
  assert.deepEqual(JSON.parse(taken?.body ?? ''), traceOf(await it.events(run)));
  assert.equal(refused?.body, taken?.body);
  await look();
  assert.equal(collector.requests.length, 3);
  assert.deepEqual(failures, ['Error: the collector of traces answered 503', 'Error: the collector of traces answered 400']);
});
