import { connect, createServer, type NetConnectOpts } from 'node:net';
import type { After } from './engine.ts';

/** A socket of this machine at a TCP address; gives the port. */
export const forwardedSocket = (t: After, path: string, address: string): Promise<number> => forwarded(t, { path }, address);

/** The same of a port that only this machine reaches. */
export const forwardedPort = (t: After, to: { readonly host: string; readonly port: number }, address: string): Promise<number> =>
  forwarded(t, to, address);

const forwarded = async (t: After, to: NetConnectOpts, address: string): Promise<number> => {
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const behind = connect({ ...to, allowHalfOpen: true });
    client.on('error', () => behind.destroy());
    behind.on('error', () => client.destroy());
    client.pipe(behind).pipe(client);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, address, resolve));
  t.after(async () => void server.close());
  const at = server.address();
  return at !== null && typeof at === 'object' ? at.port : 0;
};
