import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { logQuerySchema, logStreamQuerySchema } from '../../api/log-stream.ts';
import { encodeStreamEvent, heartbeat } from '../../api/sse.ts';
import type { StoredChunk } from '../../results/results.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RouteDeps } from '../app-deps.ts';
import { goneSignal } from '../gone.ts';
import { liveLogs } from '../live-logs.ts';
import { runNews } from '../run-news.ts';
import { streamSlots } from '../stream-slots.ts';
import { accessOf } from './access.ts';
import { redirected } from './download.ts';
import { logKeyOf } from './log-key.ts';
import { runParams, stageParams } from './params.ts';

/** `Last-Event-ID` of a browser that lost its connection goes before what its address says. */
const lastSeen = z.coerce.number().int().nonnegative();
const afterQuery = z.object({ after: lastSeen.default(0) });

/** Logs as text, and what is live: events and logs, past first, then as they come. */
export const streamRoutes =
  (deps: RouteDeps): FastifyPluginAsyncZod =>
  async (app) => {
    const { results, limits } = deps;
    const access = accessOf(deps);
    const slots = streamSlots(limits);
    const logs = liveLogs({ ...deps, ringBytes: limits.ringBytes });
    const quietMs = limits.heartbeatMs;

    app.get('/runs/:number/events/stream', { schema: { params: runParams, querystring: afterQuery } }, async (request, reply) => {
      const { row } = await access.run(request, 'read');
      const after = resumeAt(request.headers['last-event-id']) ?? request.query.after;
      slots.take(request, reply);
      return streamed(reply, encodedEvents(runNews(deps, row.run, after, { quietMs, signal: goneSignal(reply) })));
    });

    app.get(
      '/runs/:number/log/:stage/stream',
      { schema: { params: stageParams, querystring: logStreamQuerySchema } },
      async (request, reply) => {
        const { row } = await access.run(request, 'read');
        const key = logKeyOf(await access.state(row), request.params.stage, request.query);
        const from = resumeAt(request.headers['last-event-id']) ?? request.query.from;
        slots.take(request, reply);
        const signal = goneSignal(reply);
        const chunks =
          request.query.until === 'now' ? results.readLog(key, { from, follow: false, signal }) : logs.read(key, from, { quietMs, signal });
        return streamed(reply, encodedLog(chunks, from));
      },
    );

    app.get('/runs/:number/log/:stage', { schema: { params: stageParams, querystring: logQuerySchema } }, async (request, reply) => {
      const { row } = await access.run(request, 'read');
      const key = logKeyOf(await access.state(row), request.params.stage, request.query);
      const elsewhere =
        request.query.from > 0
          ? undefined
          : await redirected(deps, { request, reply }, ({ log }) => log(key, { type: 'text/plain; charset=utf-8' }));
      if (elsewhere !== undefined) return elsewhere;
      const chunks = results.readLog(key, { from: request.query.from, follow: false, signal: goneSignal(reply) });
      return reply
        .type('text/plain; charset=utf-8')
        .header('cache-control', 'no-store')
        .send(Readable.from(bytesOf(chunks), { objectMode: false }));
    });
  };

const resumeAt = (header: string | string[] | undefined): number | undefined => {
  const read = lastSeen.safeParse(header);
  return header !== undefined && read.success ? read.data : undefined;
};

/** Nothing is made before the connection takes it. */
const streamed = (reply: FastifyReply, text: AsyncIterable<string>): FastifyReply =>
  reply
    .type('text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no')
    .send(Readable.from(text, { objectMode: false, highWaterMark: 64 * 1024 }));

const encodedEvents = async function* (events: AsyncIterable<RunEvent | undefined>): AsyncGenerator<string> {
  yield heartbeat;
  for await (const event of events) {
    yield event === undefined ? heartbeat : encodeStreamEvent({ id: String(event.seq), event: 'run', data: JSON.stringify(event) });
  }
};

const encodedLog = async function* (chunks: AsyncIterable<StoredChunk | undefined>, from: number): AsyncGenerator<string> {
  yield heartbeat;
  let place = from;
  for await (const chunk of chunks) {
    if (chunk === undefined) {
      yield heartbeat;
      continue;
    }
    place += chunk.bytes.length;
    const data = JSON.stringify({ stream: chunk.stream, at: chunk.at, bytes: Buffer.from(chunk.bytes).toString('base64') });
    yield encodeStreamEvent({ id: String(place), event: 'log', data });
  }
  yield encodeStreamEvent({ event: 'end', data: '{}' });
};

const bytesOf = async function* (chunks: AsyncIterable<StoredChunk>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of chunks) yield bytes;
};
