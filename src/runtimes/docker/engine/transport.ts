import { Agent } from 'node:http';
import { connect as connectTcp, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { assertNever } from '../../../lib/assert-never.ts';
import { authority, type Endpoint, endpointName, type Tls } from './endpoint.ts';
import { EngineError } from './engine-error.ts';
import { unreachable } from './failures.ts';
import { sshConnection } from './ssh.ts';

/** How requests get to an endpoint. */
export type Transport = {
  readonly name: string;
  readonly agent: Agent;
  /** What requests put before their path. */
  readonly basePath: string;
  readonly host: string;
  /** Whether this connection came about, with its TLS handshake. */
  established(connection: Duplex): boolean;
  /** Destroys all connections, also those in use and those taken over, and waits until they are closed. */
  close(): Promise<void>;
  /** From the beginning of `close` on. */
  isClosed(): boolean;
};

export const makeTransport = (endpoint: Endpoint): Transport => {
  const name = endpointName(endpoint);
  const open = new Set<Duplex>();
  const established = new WeakSet<Duplex>();
  let closed = false;

  const agent = new Agent({ keepAlive: true });
  agent.createConnection = () => {
    if (closed) throw new EngineError('unreachable', `the connection to the Docker Engine at ${name} is closed`);
    const { connection, ready } = dial(endpoint);
    open.add(connection);
    // Whoever uses it is told; an error of an idle one is nobody's.
    connection.on('error', () => {});
    const timeout = Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' });
    const patience = setTimeout(() => connection.destroy(unreachable(name, timeout)), connectTimeoutMs);
    connection.once(ready, () => {
      clearTimeout(patience);
      established.add(connection);
    });
    connection.once('close', () => {
      clearTimeout(patience);
      open.delete(connection);
    });
    return connection;
  };

  return {
    name,
    agent,
    basePath: endpoint.kind === 'tcp' ? endpoint.basePath : '',
    host: endpoint.kind === 'tcp' ? authority(endpoint.host, endpoint.port) : 'docker',
    established: (connection) => established.has(connection),
    close: async () => {
      closed = true;
      const closing = [...open].map((connection) => new Promise<void>((resolve) => connection.once('close', () => resolve())));
      for (const connection of open)
        connection.destroy(new EngineError('lost', `the connection to the Docker Engine at ${name} was closed here`));
      agent.destroy();
      await Promise.all(closing);
    },
    isClosed: () => closed,
  };
};

const connectTimeoutMs = 20_000;
const probeAfterMs = 30_000;

/** `ready` is the event after which bytes flow. */
const dial = (endpoint: Endpoint): { readonly connection: Duplex; readonly ready: string } => {
  switch (endpoint.kind) {
    case 'unix':
      return { connection: connectTcp({ path: endpoint.path }), ready: 'connect' };
    case 'tcp': {
      const { host, port, tls } = endpoint;
      const socket = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: probeAfterMs };
      return tls === undefined
        ? { connection: connectTcp(socket), ready: 'connect' }
        : { connection: connectTls({ ...socket, ...tlsOptions(host, tls) }), ready: 'secureConnect' };
    }
    case 'ssh':
      return { connection: sshConnection(endpoint), ready: 'spawn' };
    default:
      return assertNever(endpoint);
  }
};

const tlsOptions = (host: string, { verify, ...pem }: Tls) => ({
  ...pem,
  rejectUnauthorized: verify,
  ...(isIP(host) === 0 ? { servername: host } : {}),
});
