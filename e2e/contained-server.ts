import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { askServer } from './ask-server.ts';
import { firstAdmin } from './first-admin.ts';
import { type GitProject, sshProject } from './git-project.ts';
import type { Files } from './repository.ts';

const execute = promisify(execFile);

/** What it says, with what it says of errors. */
export const docker = async (...args: readonly string[]): Promise<string> => {
  const { stdout, stderr } = await execute('docker', args, { maxBuffer: 2 ** 26 });
  return `${stdout}${stderr}`.trim();
};

/** What a namespace has left on the engine. */
export const removeLabelled = async (id: string): Promise<void> => {
  const left = await docker('ps', '--all', '--quiet', '--filter', `label=cion.namespace=${id}`);
  if (left !== '') await docker('rm', '--force', '--volumes', ...left.split('\n'));
  for (const kind of ['volume', 'network'] as const) {
    const found = await docker(kind, 'ls', '--quiet', '--filter', `label=cion.namespace=${id}`);
    if (found !== '') await docker(kind, 'rm', ...found.split('\n'));
  }
  const images = await docker('image', 'ls', '--quiet', '--filter', `label=cion.namespace=${id}`);
  if (images !== '') await docker('image', 'rm', '--force', ...new Set(images.split('\n')));
};

/** `cion serve` of the image, as docs/container-image.md has it: a volume, the engine's socket, and a port of this machine. Gone after the test. */
export const containedServer = async (t: TestContext, { socket, address }: { readonly socket: string; readonly address: string }) => {
  const id = `cion-e2e-${randomBytes(4).toString('hex')}`;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const containers = new Set<string>();
  t.after(async () => {
    for (const name of containers) await docker('rm', '--force', '--volumes', name).catch(() => '');
    await removeLabelled(id);
    await docker('volume', 'rm', '--force', id);
    await docker('network', 'rm', id);
  });
  await docker('volume', 'create', id);
  await docker('network', 'create', id);

  /** Of the image, with what it needs to work; `options` are those of `docker run`. */
  const start = async (image: string, name: string, command: readonly string[], options: readonly string[] = []): Promise<string> => {
    const full = `${id}-${name}`;
    containers.add(full);
    const all = ['--detach', '--name', full, '--network', id, '--network-alias', name, '--volume', `${socket}:/var/run/docker.sock`];
    await docker('run', ...all, '--env', `CION_NAMESPACE=${id}`, ...options, image, ...command);
    return full;
  };
  const said = (container: string): Promise<string> => docker('logs', container);
  /** Resolves when its log has the text. */
  const wrote = async (container: string, text: string): Promise<void> => {
    while (!(await said(container)).includes(text)) {
      const [isRunning] = (await docker('inspect', '--format', '{{.State.Running}}', container)).split('\n');
      if (isRunning !== 'true') throw new Error(`it ended without ${JSON.stringify(text)}:\n${await said(container)}`);
      await sleep(100);
    }
  };
  return {
    id,
    url,
    start,
    said,
    wrote,
    /** A server that keeps what it has in the one volume. */
    serve: async (image: string, name: string, options: readonly string[] = []): Promise<string> => {
      const more = ['--volume', `${id}:/data`, '--publish', `127.0.0.1:${port}:8420`];
      const container = await start(image, name, ['serve', '--url', url, '--insecure-http'], [...more, ...options]);
      await wrote(container, 'cion serves at ');
      return container;
    },
    /** Ends it as `docker stop` does; answers its exit code. */
    stop: async (container: string): Promise<number> => {
      await docker('stop', '--time', '60', container);
      return Number(await docker('inspect', '--format', '{{.State.ExitCode}}', container));
    },
    /** Becomes the admin. */
    asked: async (container: string) => {
      await wrote(container, 'can become it: ');
      const text = await said(container);
      return askServer(url, await firstAdmin(url, { said: () => text }));
    },
    project: (asking: ReturnType<typeof askServer>, name: string, files: Files): Promise<GitProject> =>
      sshProject(t, { address, asked: asking.asked, name, files }),
  };
};

export const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
};
