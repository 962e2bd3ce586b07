import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import type { Endpoint } from '../engine/endpoint.ts';

/** Stands between a runtime and the engine of this machine, cuts what is attached to a container, and refuses what it is told to. */
export const cuttingProxy = async (engine: Endpoint) => {
  if (engine.kind !== 'unix') throw new Error('the proxy takes a local engine');
  const attached = new Set<Socket>();
  const open = new Set<Socket>();
  const asked = new EventEmitter();
  const refusals = new Map<string, { times: number; readonly answer: string }>();
  const server = createServer((near) => {
    const far = createConnection(engine.path);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        attached.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (bytes: Buffer) => {
      const call = /^(?:GET|POST) \S*\/containers\/[^/]+\/(\w+)/.exec(bytes.toString('latin1'))?.[1];
      if (call === 'attach') attached.add(near);
      if (call !== undefined) asked.emit(call);
      const refusal = call === undefined ? undefined : refusals.get(call);
      if (refusal === undefined || refusal.times === 0) return far.write(bytes);
      refusal.times -= 1;
      return near.write(refusal.answer);
    });
    near.on('end', () => far.end());
    far.pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    env: { DOCKER_HOST: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` },
    /** Resolves at the next such call about a container. */
    asked: (call: 'logs') => once(asked, call),
    /** The next such calls about containers are answered as an engine does that cannot do it: with 500 and these words. */
    refuse: (call: 'start' | 'top' | 'pause', times: number, message: string): void => {
      const body = JSON.stringify({ message });
      const head = ['HTTP/1.1 500 Internal Server Error', 'Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`];
      refusals.set(call, { times, answer: `${head.join('\r\n')}\r\n\r\n${body}` });
    },
    /** `reset`: as when a machine on the way fails; `end`: as when a proxy ends in good order. */
    cut: (how: 'reset' | 'end'): void => {
      for (const socket of attached) {
        if (how === 'reset') socket.resetAndDestroy();
        else socket.destroy();
      }
    },
    close: async (): Promise<void> => {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
};
