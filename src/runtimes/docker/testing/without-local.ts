import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import type { Endpoint } from '../engine/endpoint.ts';

/** The engine of this machine as one that has no log driver `local`: it names and is asked for one of another name. */
export const withoutLocalDriver = async (engine: Endpoint) => {
  if (engine.kind !== 'unix') throw new Error('the proxy takes a local engine');
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = createConnection(engine.path);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (bytes: Buffer) => {
      far.write(Buffer.from(bytes.toString('latin1').replace('"Type":"local"', '"Type":"lacks"'), 'latin1'));
    });
    near.on('end', () => far.end());
    far.on('data', (bytes: Buffer) => {
      near.write(
        Buffer.from(
          bytes.toString('latin1').replace(/"Log":\[[^\]]*\]/, (list) => list.replace('"local"', '"lacks"')),
          'latin1',
        ),
      );
    });
    far.on('end', () => near.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    env: { DOCKER_HOST: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` },
    close: async (): Promise<void> => {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
};
