import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';

export type Seen = { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders };

/** What stands before an S3 server: passes on, answers 503, or takes requests and says nothing. */
export type S3Proxy = {
  readonly endpoint: string;
  /** All requests that came, the newest last. */
  readonly seen: readonly Seen[];
  /** When one comes with that method whose path has that in it, before it is passed on. */
  saw(method: string, part: string): Promise<void>;
  /** How many were answered 503, or not at all. */
  turnedAway(): number;
  pass(): void;
  refuse(): void;
  /** What is under way says nothing more, either. */
  hang(): void;
  close(): Promise<void>;
};

/** Signatures stay good: a client signs for the host that it calls, which is passed on as it is. */
export const s3Proxy = async (behind: string): Promise<S3Proxy> => {
  const { hostname, port } = new URL(behind);
  const seen: Seen[] = [];
  let mode: 'pass' | 'refuse' | 'hang' = 'pass';
  let away = 0;
  const waiting = new Set<(request: Seen) => void>();
  const passOn = async (from: IncomingMessage, to: ServerResponse): Promise<void> => {
    const onward = request({ hostname, port, method: from.method, path: from.url, headers: from.headers, agent: false });
    const answered = once(onward, 'response') as Promise<[IncomingMessage]>;
    answered.catch(() => {});
    await pipeline(from, onward);
    const [answer] = await answered;
    to.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      if (mode === 'hang') return;
      if (!to.write(chunk)) await once(to, 'drain');
    }
    to.end();
  };
  const server = createServer((from, to) => {
    const came = { method: from.method ?? '', path: from.url ?? '', headers: from.headers };
    seen.push(came);
    for (const look of waiting) look(came);
    if (mode !== 'pass') away++;
    if (mode === 'refuse') {
      from.resume();
      to.writeHead(503, { 'content-type': 'text/html', connection: 'close' }).end('<html><h1>503 Service Unavailable</h1></html>');
    } else if (mode === 'pass') passOn(from, to).catch(() => to.destroy());
  });
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    saw: (method, part) =>
      new Promise((resolve) => {
        const look = (request: Seen): void => {
          if (request.method !== method || !request.path.includes(part)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
      }),
    turnedAway: () => away,
    pass: () => {
      mode = 'pass';
    },
    refuse: () => {
      mode = 'refuse';
    },
    hang: () => {
      mode = 'hang';
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
