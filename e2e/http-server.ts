import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';

export type Asked = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string };

/** A real server on this machine that remembers what it was asked; `answer` is given the number of the request. */
export const httpServer = async (
  t: Pick<TestContext, 'after'>,
  answer: (response: ServerResponse, count: number) => void = (response) => void response.end(),
): Promise<{ readonly url: string; readonly asked: readonly Asked[] }> => {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      asked.push({ path: request.url ?? '', headers: request.headers, body });
      answer(response, asked.length);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
};
