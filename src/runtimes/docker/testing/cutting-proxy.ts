import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import type { Endpoint } from '../engine/endpoint.ts';

/** Stands between a runtime and the engine of this machine, and cuts what is attached to a container. */
export const cuttingProxy = async (engine: Endpoint) => {
  if (engine.kind !== 'unix') throw new Error('the proxy takes a local engine');
  const attached = new Set<Socket>();
  const open = new Set<Socket>();
  const asked = new EventEmitter();
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
    });
    near.pipe(far);
    far.pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    env: { DOCKER_HOST: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` },
    /** Resolves at the next such call about a container. */
    asked: (call: 'logs') => once(asked, call),
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
