import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { addressForContainers } from './engine.ts';

/** An address that containers reach and that leads to this server of the loopback; gone after the test. */
export const reachable = async (t: Pick<TestContext, 'after'>, url: string): Promise<string> => {
  const address = await addressForContainers();
  if (address === undefined) throw new Error('the engine is elsewhere, its containers do not reach this machine');
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  const server = createServer((from) => {
    const to = connect(Number(port), hostname);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy()).on('close', () => open.delete(one));
      one.pipe(other);
    }
  }).listen(0, address);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return `http://${address}:${(server.address() as AddressInfo).port}`;
};
