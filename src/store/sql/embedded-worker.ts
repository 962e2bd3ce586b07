import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

/** The thread that PGlite has for itself: a long query stops no one else. It says `ready`, and closes when it is told anything. */
const { directory, socket } = workerData as { readonly directory: string; readonly socket: string };
const startParams = [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB'];
const handlers = 16;

const db = await PGlite.create({ dataDir: directory, startParams });
const server = new PGLiteSocketServer({ db, path: socket, maxConnections: handlers });
await server.start();
parentPort?.once('message', () => {
  void server
    .stop()
    .then(() => db.close())
    .then(() => process.exit());
});
parentPort?.postMessage('ready');
