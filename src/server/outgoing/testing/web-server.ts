import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export type WebRequest = { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string };
export type WebAnswer = { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };
export type WebServer = {
  readonly url: string;
  readonly port: number;
  /** In the order in which they came. */
  readonly requests: readonly WebRequest[];
  /** Resolves when so many have come. */
  came(count: number): Promise<readonly WebRequest[]>;
};

/** A real HTTP server on this machine that answers as it is told; closed after the test. */
export const webServer = async (
  t: { after(undo: () => void | Promise<void>): void },
  answer: (request: WebRequest) => WebAnswer | Promise<WebAnswer>,
): Promise<WebServer> => {
  const requests: WebRequest[] = [];
  const waiting = new Set<() => void>();
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = request;
    const came = { method, path, headers, body: await text(request) };
    requests.push(came);
    for (const look of waiting) look();
    const { status, headers: sent = {}, body = '' } = await answer(came);
    response.writeHead(status, sent).end(body);
  };
  const server = createServer((request, response) => void take(request, response));
  server.listen(0);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    requests,
    came: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (requests.length < count) return;
          waiting.delete(look);
          resolve(requests.slice(0, count));
        };
        waiting.add(look);
        look();
      }),
  };
};
