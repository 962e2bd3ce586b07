import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { protocolHeader, workerProtocol } from '../../api/worker-wire.ts';

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON. */
  json(): Readonly<Record<string, unknown>>;
};

export type Asked = {
  readonly method?: string;
  /** As in test-guard.ts: `account:ada`. */
  readonly as?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: string | Uint8Array;
};

/** One request over a socket, its path sent as it is given. */
export const ask = async (url: string, path: string, { method, as, headers = {}, json, body }: Asked = {}): Promise<Answer> => {
  const content = json === undefined ? body : JSON.stringify(json);
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        hostname,
        port,
        path,
        method: method ?? (content === undefined ? 'GET' : 'POST'),
        agent: false,
        headers: {
          ...(as === undefined ? {} : { authorization: `Bearer ${as}`, [protocolHeader]: String(workerProtocol) }),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...(content === undefined ? {} : { 'content-length': Buffer.byteLength(content) }),
          ...headers,
        },
      },
      (answer) => {
        text(answer).then(
          (whole) =>
            resolve({
              status: answer.statusCode ?? 0,
              headers: answer.headers,
              text: whole,
              json: () => JSON.parse(whole) as Record<string, unknown>,
            }),
          reject,
        );
      },
    );
    sent.on('error', reject);
    sent.end(content);
  });
};
