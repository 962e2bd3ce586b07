import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { connect } from '../engine/connect.ts';
import type { Environment } from '../engine/docker-config.ts';
import { type Endpoint, findEndpoint } from '../engine/endpoint.ts';
import { makeCertificates } from './certificates.ts';
import { programPath } from './program-path.ts';

export type SecondEngine = {
  readonly endpoint: Endpoint;
  /** With DOCKER_HOST and what belongs to it. */
  readonly env: Environment;
  /** Copies an image from the engine of this machine. */
  load(image: string): Promise<void>;
  /** Ends it with all its containers, as a power cut would; resolves when they are gone. */
  kill(): Promise<void>;
};

/** Why there can be no second engine on this machine; `undefined` when there can. */
export const whyNoSecondEngine = (): string | undefined => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'a second engine takes root on Linux';
  const missing = ['dockerd', 'ip', 'unshare', 'nsenter', 'openssl'].filter((program) => programPath(program) === undefined);
  return missing.length === 0 ? undefined : `${missing.join(', ')} not installed`;
};

/**
 * Runs `use` with a Docker Engine of its own, reached over TCP. It has a network, processes and mounts to itself, so that it is no
 * neighbour of the engine of this machine; a virtual cable leads to it. It is gone afterwards with all that it made, also when `use`
 * fails or this process is killed.
 */
export const withSecondEngine = async <T>(
  options: { readonly listen: 'tcp' | 'tls' },
  use: (engine: SecondEngine) => Promise<T>,
): Promise<T> => {
  const directory = await mkdtemp(join(tmpdir(), 'cion-engine-'));
  const name = `cion${randomBytes(4).toString('hex')}`;
  const { here, there } = randomAddresses();
  await makeCertificates(directory, there);

  const port = options.listen === 'tls' ? 2376 : 2375;
  const tls = ['--tlsverify', '--tlscacert', 'ca.pem', '--tlscert', 'server-cert.pem', '--tlskey', 'server-key.pem'];
  const daemon = [
    ...['dockerd', '-H', `tcp://${there}:${port}`, ...(options.listen === 'tls' ? tls : ['--tls=false'])],
    ...['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec'), '--pidfile', join(directory, 'pid')],
    ...['--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', `/${name}`],
  ];
  const keeper = spawn('sh', ['-c', keeperScript, 'sh', name, here, there, directory, ...daemon], {
    cwd: directory,
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const dead = once(keeper.stderr, 'close');
  const ended = once(keeper, 'exit');
  try {
    await listening(keeper.stderr, `API listen on ${there}:${port}`);
    const env = {
      DOCKER_HOST: `tcp://${there}:${port}`,
      ...(options.listen === 'tls' ? { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: directory } : {}),
    };
    const endpoint = findEndpoint(env);
    const kill = async () => {
      keeper.stdin.write('\n');
      await dead;
    };
    return await use({ endpoint, env, load: (image) => copyImage(image, endpoint), kill });
  } finally {
    keeper.stdin.end();
    await ended;
  }
};

/**
 * Keeps the daemon until a line comes or its stdin ends, and the rest until its stdin ends. The first process of the daemon's process
 * namespace reads that line; when it ends, the kernel ends all others in it. Arguments: a name for all things, the address at this end of the
 * cable and at the daemon's, the directory, the daemon's command.
 */
const keeperScript = `
name=$1 here=$2 there=$3 directory=$4; shift 4
exec 3<&0
ip netns add "$name" &&
ip link add "$name" type veth peer name eth0 netns "$name" &&
ip addr add "$here/30" dev "$name" && ip link set "$name" up &&
nsenter --net="/run/netns/$name" sh -c 'ip link set lo up && ip addr add "$0/30" dev eth0 && ip link set eth0 up' "$there" &&
nsenter --net="/run/netns/$name" unshare --mount --pid --fork --kill-child --mount-proc \
  sh -c '"$@" 3<&- & exec 2>/dev/null; read -r end <&3' sh "$@" &
exec 2>/dev/null
wait $!
cat <&3 >/dev/null
ip link del "$name"; ip netns del "$name"
find /sys/fs/cgroup -depth -type d -path "*/$name*" -exec rmdir {} +
rm -rf "$directory"
`;

/** The two ends of one of the 2^14 cables in 10.213.0.0/16. */
const randomAddresses = () => {
  const net = randomInt(1 << 14) * 4;
  const [here, there] = [net + 1, net + 2].map((last) => `10.213.${last >> 8}.${last & 255}`);
  return { here: String(here), there: String(there) };
};

const listening = async (log: Readable, sign: string): Promise<void> => {
  const lines: string[] = [];
  const reader = createInterface({ input: log });
  const listens = await new Promise<boolean>((resolve) => {
    reader.on('close', () => resolve(false));
    reader.on('line', (line) => {
      lines.push(line);
      if (line.includes(sign)) resolve(true);
    });
  });
  reader.removeAllListeners('line');
  if (!listens) throw new Error(`the second engine did not start:\n${lines.slice(-20).join('\n')}`);
};

const copyImage = async (image: string, to: Endpoint): Promise<void> => {
  const signal = AbortSignal.timeout(120_000);
  const [source, target] = [await connect(findEndpoint(process.env), signal), await connect(to, signal)];
  try {
    const tar = await source.stream('GET', '/images/get', { query: { names: [image] }, signal });
    for await (const _ of target.progress('POST', '/images/load', { query: { quiet: true }, body: tar, signal }));
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
};
