import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Docker Engine with a network, processes and mounts to itself; its containers outlive it when it is killed, and are its own again when it is started. */
export type RestartableEngine = {
  readonly host: string;
  start(): Promise<void>;
  /** `kill -9` of the engine, not of its containers. */
  kill(): Promise<void>;
  docker(...args: readonly string[]): Promise<string>;
  /** With all that it made; also when this process is killed. */
  close(): Promise<void>;
};

/**
 * The first process of the engine's process namespace: does what lines on its stdin say, and when they end, so do all in the namespace. Arguments: the
 * directory, the engine's command.
 */
const keeper = `
directory=$1; shift
ip link set lo up
rm -f "$directory"/exec/containerd/containerd.pid
while read -r line; do
  case $line in
    start) rm -f "$directory"/pid "$directory"/exec/containerd/containerd.pid; "$@" </dev/null & engine=$!;;
    kill) kill -9 "$engine" $(cat "$directory"/exec/containerd/containerd.pid); wait "$engine"; echo killed;;
  esac
done
`;

export const restartableEngine = async (directory: string): Promise<RestartableEngine> => {
  mkdirSync(directory, { recursive: true });
  const name = `cion-engine-${randomBytes(4).toString('hex')}`;
  const socket = join(directory, 'docker.sock');
  const daemon = [
    ...[
      'dockerd',
      '-H',
      `unix://${socket}`,
      '--live-restore',
      '--data-root',
      join(directory, 'data'),
      '--exec-root',
      join(directory, 'exec'),
    ],
    ...['--pidfile', join(directory, 'pid'), '--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', `/${name}`],
  ];
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const child = spawn('unshare', [...namespaces, 'bash', '-c', keeper, 'bash', directory, ...daemon], {
    cwd: directory,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  let awaited: { readonly sign: string; readonly heard: () => void } | undefined;
  const hear = (line: string): void => {
    lines.push(line);
    if (lines.length > 200) lines.shift();
    if (awaited !== undefined && line.includes(awaited.sign)) awaited.heard();
  };
  createInterface(child.stdout).on('line', hear);
  createInterface(child.stderr).on('line', hear);
  const told = async (line: string, sign: string): Promise<void> => {
    const answer = Promise.withResolvers<void>();
    awaited = { sign, heard: answer.resolve };
    child.stdin.write(`${line}\n`);
    const overdue = setTimeout(() => answer.reject(new Error(`the engine did not ${line}:\n${lines.slice(-20).join('\n')}`)), 60_000);
    await answer.promise.finally(() => clearTimeout(overdue));
  };
  const docker = async (...args: readonly string[]): Promise<string> => (await run('docker', ['-H', `unix://${socket}`, ...args])).stdout;
  return {
    host: `unix://${socket}`,
    start: () => told('start', `API listen on ${socket}`),
    kill: () => told('kill', 'killed'),
    docker,
    close: async () => {
      child.stdin.end();
      await exited;
      execFileSync('find', ['/sys/fs/cgroup', '-depth', '-type', 'd', '-path', `*/${name}*`, '-exec', 'rmdir', '{}', '+'], {
        stdio: 'ignore',
      });
    },
  };
};
