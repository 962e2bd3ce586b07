import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A real HTTP server that answers as a forge does. Routes can be added; of several that fit the newest answers, so that one can be made to fail. */
export type StandInServer = {
  readonly url: string;
  /** What was asked, in order. */
  readonly requests: readonly StandInRequest[];
  /** `pattern`: `/repos/:owner/:name/hooks`; a part that begins with `:` fits one part. Answers a function that takes the route away. */
  route(method: string, pattern: string, answer: StandInHandler): () => void;
  close(): Promise<void>;
};

export type StandInHandler = (request: StandInRequest) => StandInAnswer | Promise<StandInAnswer>;

export type StandInRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Of the pattern, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

/** `body`: an object or a list is JSON. */
export type StandInAnswer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object | string;
};

type Route = { readonly method: string; readonly parts: readonly string[]; readonly answer: StandInHandler };

export const standInServer = async (): Promise<StandInServer> => {
  const routes = new Set<Route>();
  const requests: StandInRequest[] = [];

  const answerTo = async (asked: Omit<StandInRequest, 'params'>): Promise<StandInAnswer> => {
    const parts = partsOf(asked.path);
    for (const route of [...routes].reverse()) {
      const params = route.method === asked.method ? paramsOf(route.parts, parts) : undefined;
      if (params === undefined) continue;
      const request = { ...asked, params };
      requests.push(request);
      return route.answer(request);
    }
    requests.push({ ...asked, params: {} });
    return { status: 404, body: { message: 'Not Found' } };
  };

  const server = createServer((request, response) => {
    void (async () => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stand-in');
      const { method = 'GET', headers } = request;
      const answer = await answerTo({ method, path: pathname, query: searchParams, headers, body: await buffer(request) });
      const { status, headers: more = {}, body } = answer;
      const isText = body === undefined || typeof body === 'string';
      response.writeHead(status, { ...(isText ? {} : { 'content-type': 'application/json; charset=utf-8' }), ...more });
      response.end(isText ? body : JSON.stringify(body));
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    route: (method, pattern, answer) => {
      const route = { method, parts: partsOf(pattern), answer };
      routes.add(route);
      return () => routes.delete(route);
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const partsOf = (path: string): readonly string[] => path.split('/').map(decodeURIComponent);

const paramsOf = (pattern: readonly string[], parts: readonly string[]): Readonly<Record<string, string>> | undefined => {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, wanted] of pattern.entries()) {
    const part = parts[i] ?? '';
    if (wanted.startsWith(':')) params[wanted.slice(1)] = part;
    else if (wanted !== part) return undefined;
  }
  return params;
};
