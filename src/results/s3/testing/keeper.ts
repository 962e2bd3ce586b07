import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startS3 } from '../../../../scripts/setup/s3-server.mjs';
import { type Answer, keeperAddress, users } from './s3-server.ts';

/**
 * Keeps one S3 server for all test processes of this machine: who is connected uses it, and when nobody has been for a while it ends. The
 * address it listens at is the lock; a second keeper leaves at once.
 */
const idleMs = 15 * 60_000;
const waiting = new Set<Socket>();
const using = new Set<Socket>();
const directories: string[] = [];
let answer: Answer | undefined;
let idle: NodeJS.Timeout | undefined;

const end = (): void => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  process.exit();
};

const tell = (socket: Socket): void => {
  if (answer === undefined) waiting.add(socket);
  else socket.write(`${JSON.stringify(answer)}\n`);
};

const restIfUnused = (): void => {
  clearTimeout(idle);
  if (using.size === 0 && answer !== undefined) idle = setTimeout(end, 'trouble' in answer ? 0 : idleMs);
};

const server = createServer((socket) => {
  using.add(socket);
  clearTimeout(idle);
  socket.on('error', () => {});
  socket.on('close', () => {
    using.delete(socket);
    waiting.delete(socket);
    restIfUnused();
  });
  socket.resume();
  tell(socket);
});
server.on('error', () => process.exit());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);

const begin = async (): Promise<void> => {
  for (let tries = 6; tries > 0 && (answer === undefined || 'trouble' in answer); tries--) {
    const directory = mkdtempSync(join(tmpdir(), 'cion-s3-'));
    directories.push(directory);
    answer = await startS3(directory, Object.values(users), () => undefined).catch((error: unknown) => ({ trouble: String(error) }));
  }
  for (const socket of waiting) tell(socket);
  waiting.clear();
  restIfUnused();
};

server.listen(keeperAddress, () => void begin());
