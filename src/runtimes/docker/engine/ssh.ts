import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { type Endpoint, endpointName } from './endpoint.ts';
import { EngineError } from './engine-error.ts';

type SshEndpoint = Extract<Endpoint, { kind: 'ssh' }>;

/**
 * One connection to the engine of another machine: the standard input and output of `docker system dial-stdio` there. How ssh logs in is
 * the matter of the user's own ssh configuration and agent; it never asks on the terminal, and Ctrl-C does not reach it.
 */
export const sshConnection = (endpoint: SshEndpoint): Duplex => {
  const name = endpointName(endpoint);
  const ssh: ChildProcessByStdio<Writable, Readable, Readable> = spawn('ssh', sshArguments(endpoint), {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let answered = false;
  let complaint = '';

  const failure = (reason: string, cause?: unknown): EngineError =>
    answered
      ? new EngineError('lost', `the connection to the Docker Engine at ${name} was lost (${reason})`, { cause })
      : new EngineError('unreachable', `no Docker Engine answers at ${name} (${reason})`, { cause });

  const connection = new Duplex({
    allowHalfOpen: false,
    read: () => ssh.stdout.resume(),
    // A failed write says little; why ssh ended says more, and follows.
    write: (bytes, _encoding, done) => ssh.stdin.write(bytes, () => done()),
    final: (done) => ssh.stdin.end(() => done()),
    destroy: (error, done) => {
      ssh.kill();
      for (const stream of [ssh.stdin, ssh.stdout, ssh.stderr]) stream.destroy();
      done(error);
    },
  });

  ssh.stdout.on('data', (bytes: Buffer) => {
    answered = true;
    if (!connection.push(bytes)) ssh.stdout.pause();
  });
  ssh.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-complaintLength);
  });
  for (const stream of [ssh.stdin, ssh.stdout, ssh.stderr]) stream.on('error', () => {});
  ssh.on('error', (error) => {
    connection.destroy(failure('code' in error && error.code === 'ENOENT' ? 'the program ssh is not installed' : error.message, error));
  });
  ssh.on('spawn', () => connection.emit('spawn'));
  ssh.on('close', (code, signal) => {
    if (code === 0 && answered) connection.push(null);
    else connection.destroy(failure(`ssh: ${complaint.trim() || `ended with ${signal ?? code}`}`));
  });
  return Object.assign(connection, keepingAlive(ssh));
};

/** `--` and no host that begins with `-`: nothing of the endpoint is taken for an option. */
export const sshArguments = ({ host, user, port, path }: SshEndpoint): string[] => {
  if (host.startsWith('-')) throw new EngineError('unreachable', `${JSON.stringify(host)} is no name of a host`);
  return [
    ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20', '-o', 'ServerAliveInterval=30', '-T'],
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...['--', host, 'docker'],
    ...(path === undefined ? [] : ['--host', shellQuoted(`unix://${path}`)]),
    ...['system', 'dial-stdio'],
  ];
};

const complaintLength = 2_000;

/** The other side hands its command line to a shell. */
const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** What an http.Agent asks of a socket that it keeps; an idle one does not keep this process from ending. */
const keepingAlive = (ssh: ChildProcessByStdio<Writable, Readable, Readable>) => {
  const handles = [ssh, ssh.stdin, ssh.stdout, ssh.stderr] as unknown as { ref(): void; unref(): void }[];
  return {
    ref: () => {
      for (const handle of handles) handle.ref();
    },
    unref: () => {
      for (const handle of handles) handle.unref();
    },
    setKeepAlive: () => {},
    setTimeout: () => {},
  };
};
