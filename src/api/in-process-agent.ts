import { Agent, type Server } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';

/**
 * Connections to a server of this process that never leave it: no port, no socket, everything else of HTTP as it is. The server need not
 * listen. Destroy it in the end.
 */
export const inProcessAgent = (server: Server): Agent => {
  const agent = new Agent({ keepAlive: true });
  agent.createConnection = () => {
    const [near, far] = duplexPair();
    server.emit('connection', asSocket(far));
    return asSocket(near);
  };
  return agent;
};

/**
 * What HTTP asks of a socket besides its bytes. Nothing here can be cut off, so nothing is timed. A request that is given up in the moment in which its
 * answer is there leaves an error that nobody listens for any more.
 */
const asSocket = (duplex: Duplex): Duplex => {
  duplex.on('error', () => {});
  const same = (): Duplex => duplex;
  return Object.assign(duplex, { setTimeout: same, setNoDelay: same, setKeepAlive: same, ref: same, unref: same });
};
