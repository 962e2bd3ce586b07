import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export type Message = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer };

/** Gives what goes on in its place. */
export type Alter = (message: Message) => Buffer;

const asItIs: Alter = ({ body }) => body;

/** Somebody between a worker and its server who ends the TLS of both: reads all that goes over it, and alters what it likes. */
export const alteringProxy = async (url: string) => {
  const { hostname, port } = new URL(url);
  let [request, answer] = [asItIs, asItIs];
  const seen: Message[] = [];
  const server = createServer((near, reply) => {
    const pass = async (): Promise<void> => {
      const asked = { path: near.url ?? '', headers: near.headers, body: await buffer(near) };
      seen.push(asked);
      const body = request(asked);
      const { 'transfer-encoding': _chunked, ...headers } = near.headers;
      const sent = httpRequest({
        hostname,
        port,
        path: near.url,
        method: near.method,
        agent: false,
        headers: { ...headers, 'content-length': body.length },
      });
      near.once('close', () => sent.destroy());
      reply.once('close', () => sent.destroy());
      sent.end(body);
      const [far] = (await once(sent, 'response')) as [IncomingMessage];
      const said = answer({ path: asked.path, headers: far.headers, body: await buffer(far) });
      const { 'transfer-encoding': _also, ...back } = far.headers;
      reply.writeHead(far.statusCode ?? 502, { ...back, 'content-length': said.length }).end(said);
    };
    pass().catch(() => reply.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What was sent through it. */
    seen,
    alter: (how: { readonly request?: Alter; readonly answer?: Alter }): void => {
      request = how.request ?? asItIs;
      answer = how.answer ?? asItIs;
    },
    close: async (): Promise<void> => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

/** The same with one word for another in the bodies of one path. */
export const replacing =
  (at: string, one: string, other: string): Alter =>
  ({ path, body }) =>
    path.startsWith(at) ? Buffer.from(body.toString('latin1').replaceAll(one, other), 'latin1') : body;
