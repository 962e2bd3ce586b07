import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';

/** The few calls of the Docker Engine API that set-up needs, over a `unix://` or `tcp://` address. */
export const engineAt = (host, env = process.env) => {
  const options = connection(host, env);

  /**
   * Resolves with the status and the whole body; rejects when nothing arrives for `silentMs`.
   * @type {(method: string, path: string, options?: { body?: Buffer, type?: string, silentMs?: number }) => Promise<{ status: number, text: string }>}
   */
  const request = (method, path, { body, type = 'application/x-tar', silentMs = 60_000 } = {}) =>
    new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': type, 'content-length': body.length };
      const call = (options.ca === undefined ? http : https).request({ ...options, method, path, headers, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => (text += part));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode, text }));
      });
      call.setTimeout(silentMs, () => call.destroy(new Error(`no answer for ${silentMs / 1000} s`)));
      call.on('error', reject);
      call.end(body);
    });

  return {
    host,
    request,
    /** `undefined` when it answers, else why not. */
    async ping() {
      try {
        const { status } = await request('GET', '/_ping', { silentMs: 5_000 });
        return status === 200 ? undefined : `it answers ${status}`;
      } catch (error) {
        return error.message;
      }
    },
  };
};

const connection = (host, env) => {
  const url = new URL(host);
  if (url.protocol === 'unix:') return { socketPath: decodeURIComponent(url.pathname) };
  const tls = url.protocol === 'https:' || Boolean(env.DOCKER_TLS_VERIFY);
  const address = { host: url.hostname, port: Number(url.port) || (tls ? 2376 : 2375) };
  return tls ? { ...address, ...certificates(env) } : address;
};

const certificates = (env) => {
  const folder = env.DOCKER_CERT_PATH ?? join(env.HOME ?? '/', '.docker');
  const read = (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : '');
  return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
};
