import type { IncomingMessage } from 'node:http';
import type { Endpoint } from './endpoint.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { agreeOnVersion } from './api-version.ts';
import { attachmentOf } from './attachment.ts';
import { unreachable } from './failures.ts';
import { progressMessages } from './json-lines.ts';
import { type Call, request } from './request.ts';
import { jsonOf, responseBody } from './response-body.ts';
import { makeTransport, type Transport } from './transport.ts';

/** Rejects with an EngineError, also when what answers there is no Docker Engine or too old a one, or with the signal's reason. */
export const connect = async (endpoint: Endpoint, signal: AbortSignal, options?: { readonly answerWithinMs?: number }): Promise<Engine> => {
  const transport = makeTransport(endpoint);
  try {
    const offered = await offeredVersion(transport, signal, options?.answerWithinMs ?? 30_000);
    return makeEngine(transport, agreeOnVersion(transport.name, offered));
  } catch (error) {
    await transport.close();
    throw error;
  }
};

const makeEngine = (transport: Transport, apiVersion: string): Engine => {
  const { name } = transport;

  const responseTo = async (call: Call): Promise<IncomingMessage> => {
    const answer = await request(transport, { ...call, path: `/v${apiVersion}${call.path}` });
    if (answer.kind === 'response') return answer.response;
    answer.connection.destroy();
    throw new EngineError('lost', `the Docker Engine at ${name} handed over a connection unasked`);
  };
  const respond = async (call: Call) => responseBody(name, await responseTo(call), call.signal);

  return {
    name,
    apiVersion,
    json: async (method, path, options) => jsonOf(name, await respond({ ...options, method, path })),
    stream: (method, path, options) => respond({ ...options, method, path }),
    head: async (path, options) => {
      const response = await responseTo({ ...options, method: 'HEAD', path });
      response.resume();
      return response.headers;
    },
    progress: async function* <T extends object>(...[method, path, options]: Parameters<Engine['progress']>) {
      yield* progressMessages<T>(await respond({ ...options, method, path }));
    },
    attach: async (path, options) => {
      const call = { ...options, method: 'POST' as const, path: `/v${apiVersion}${path}`, takeOver: true };
      const answer = await request(transport, call);
      if (answer.kind === 'taken-over') return attachmentOf(name, answer.connection, answer.head, call.signal, options?.tty === true);
      throw new EngineError('lost', `the Docker Engine at ${name} did not hand over its connection`);
    },
    close: () => transport.close(),
    isClosed: transport.isClosed,
  };
};

const offeredVersion = async (transport: Transport, signal: AbortSignal, answerWithinMs: number): Promise<string | undefined> => {
  const patience = AbortSignal.timeout(answerWithinMs);
  const call = { method: 'GET', path: '/_ping', signal: AbortSignal.any([signal, patience]) } as const;
  try {
    const answer = await request(transport, call);
    if (answer.kind !== 'response') return undefined;
    for await (const _ of responseBody(transport.name, answer.response, call.signal));
    const version = answer.response.headers['api-version'];
    return typeof version === 'string' ? version : undefined;
  } catch (error) {
    if (patience.aborted && !signal.aborted) throw unreachable(transport.name, Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' }));
    throw error;
  }
};
