import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { which } from '../../../../scripts/setup/shell.mjs';
import { copyDirectory, templateDirectory } from './template-directory.ts';

/** Why there can be no Postgres on this machine; `false` when there can, as `skip` of a test wants it. */
export const whyNoPostgres = (): string | false => {
  if (process.platform !== 'linux' || which('setpriv') === undefined) return 'the Postgres of the tests needs Linux';
  return programs() === undefined ? 'Postgres is not installed (Debian: postgresql)' : false;
};

/** A real server with a directory and a socket of its own. It ends with this process at the latest. */
export type PostgresServer = {
  url(database: string): string;
  /** Ends as with `kill -9`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** With all it has. */
  close(): Promise<void>;
};

/** `durable`: what was acknowledged is on the disk, as in production. */
export const postgresServer = async ({ durable = false } = {}): Promise<PostgresServer> => {
  const bin = programs();
  if (bin === undefined) throw new Error('Postgres is not installed');
  const directory = mkdtempSync('/tmp/cion-pg-');
  const data = join(directory, 'data');
  chmodSync(directory, 0o711);
  if (asPostgres.length > 0) execFileSync('chown', ['postgres', directory]);
  copyDirectory(initialized(bin), data);
  const settings = {
    listen_addresses: '',
    unix_socket_directories: directory,
    max_connections: '200',
    shared_buffers: '32MB',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  let child: ChildProcessByStdio<null, null, Readable> | undefined;
  const start = async (): Promise<void> => {
    for (;;) {
      child = spawn('setpriv', [...asPostgres, '--pdeathsig', 'KILL', join(bin, 'postgres'), '-D', data, ...options], {
        stdio: ['ignore', 'ignore', 'pipe'],
        cwd: directory,
      });
      const trouble = await untilReady(child);
      if (trouble === undefined) return;
      if (!trouble.includes('still in use')) throw new Error(`Postgres ended:\n${trouble}`);
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.ref();
    const backends = signal === 'SIGKILL' ? childrenOf(child.pid) : [];
    child.kill(signal);
    for (const pid of backends) killIfThere(pid);
    await exited;
    child = undefined;
  };
  const atExit = (): void => {
    child?.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  process.on('exit', atExit);
  await start();
  return {
    url: (database) => `postgres:///${database}?host=${encodeURIComponent(directory)}&user=postgres`,
    start,
    kill: () => end('SIGKILL'),
    close: async () => {
      process.off('exit', atExit);
      await end('SIGQUIT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

/** From then on it keeps no process alive. Answers what it said when it ended instead: `still in use` while a killed one is not gone altogether. */
const untilReady = async (child: ChildProcessByStdio<null, null, Readable>): Promise<string | undefined> => {
  const said: string[] = [];
  for await (const line of createInterface(child.stderr)) {
    said.push(line);
    if (!line.includes('ready to accept connections')) continue;
    child.stderr.resume();
    (child.stderr as Socket).unref();
    child.unref();
    return undefined;
  }
  return said.join('\n');
};

/** What initdb makes, once for all test processes. */
const initialized = (bin: string): string =>
  templateDirectory(`postgres ${bin}`, (directory) => {
    if (asPostgres.length > 0) execFileSync('chown', ['postgres', directory]);
    const options = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
    execFileSync('setpriv', [...asPostgres, join(bin, 'initdb'), '-D', directory, ...options], { stdio: 'ignore', cwd: directory });
  });

/** They live on for a moment when their parent was killed, and answer. */
const childrenOf = (pid: number | undefined): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

const killIfThere = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    return;
  }
};

const debian = '/usr/lib/postgresql';

/** The folder of the newest one's programs. */
const programs = (): string | undefined => {
  const versions = existsSync(debian) ? readdirSync(debian).sort((one, other) => Number(other) - Number(one)) : [];
  return versions.map((version) => join(debian, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
};

/** Postgres does not run as root. */
const asPostgres = process.getuid?.() === 0 ? ['--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
