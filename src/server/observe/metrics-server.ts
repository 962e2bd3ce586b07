import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, BlockList, isIP } from 'node:net';
import type { ServerMetrics } from './server-metrics.ts';

export type MetricsServer = { readonly port: number; close(): Promise<void> };

export class MetricsError extends Error {
  readonly code = 'METRICS_UNPROTECTED';

  constructor(host: string) {
    super(`metrics at ${host}, which others reach, need a token`);
    this.name = 'MetricsError';
  }
}

/**
 * Answers `GET /metrics`, and nothing else, at an address of its own: the page and the API have no such route (atk-66). Rejects with MetricsError when others than this
 * machine reach the address and there is no token.
 */
export const metricsServer = async (
  metrics: Pick<ServerMetrics, 'text' | 'contentType'>,
  { host, port, token }: { readonly host: string; readonly port: number; readonly token?: string },
): Promise<MetricsServer> => {
  if (token === undefined && !isLoopback(host)) throw new MetricsError(host);
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    void answer(metrics, token, request, response);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

const answer = async (
  metrics: Pick<ServerMetrics, 'text' | 'contentType'>,
  token: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  if (request.method !== 'GET' || request.url !== '/metrics') return void response.writeHead(404).end();
  if (token !== undefined && !isSame(request.headers.authorization ?? '', `Bearer ${token}`)) {
    return void response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
  }
  try {
    const text = await metrics.text();
    response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' }).end(text);
  } catch {
    response.writeHead(503).end();
  }
};

const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const isLoopback = (host: string): boolean => {
  const family = isIP(host);
  return family === 0 ? host === 'localhost' : loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
};
