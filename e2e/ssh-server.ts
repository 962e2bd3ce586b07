import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { once } from 'node:events';
import { directory } from './repository.ts';

const programPath = (name: string): string | undefined => [`/usr/sbin/${name}`, `/usr/bin/${name}`].find((path) => existsSync(path));

/** Why there can be no ssh server on this machine, as `skip` of a test wants it. */
export const whyNoSsh = (): string | false =>
  programPath('sshd') === undefined || programPath('ssh-keygen') === undefined ? 'sshd is not installed' : false;

export type SshServer = {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The one private key that it lets in. */
  readonly key: string;
  /** Lets in another one, too. */
  allow(publicKey: string): void;
};

/** An ssh server of this machine that lets one key in, and runs git for it; gone after the test. */
export const sshServer = async (t: Pick<TestContext, 'after'>, address: string): Promise<SshServer> => {
  const folder = directory(t);
  for (const name of ['host', 'deploy']) {
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(folder, name)]);
  }
  const port = await freePortAt(address);
  writeFileSync(join(folder, 'authorized'), readFileSync(join(folder, 'deploy.pub')), { mode: 0o600 });
  writeFileSync(
    join(folder, 'config'),
    [
      `ListenAddress ${address}`,
      `Port ${port}`,
      `HostKey "${join(folder, 'host')}"`,
      `AuthorizedKeysFile "${join(folder, 'authorized')}"`,
      'AuthenticationMethods publickey',
      'PermitRootLogin yes',
      'StrictModes no',
      'UsePAM no',
      'PidFile none',
      '',
    ].join('\n'),
  );
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const server = spawn(programPath('sshd') ?? 'sshd', ['-D', '-e', '-f', join(folder, 'config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(server, 'exit');
  t.after(async () => {
    server.kill();
    await ended;
  });
  let said = '';
  for await (const chunk of server.stderr.iterator({ destroyOnReturn: false })) {
    said += String(chunk);
    if (said.includes('Server listening')) break;
  }
  if (!said.includes('Server listening')) throw new Error(`sshd: ${said}`);
  server.stderr.resume();
  return {
    address,
    port,
    user: userInfo().username,
    key: readFileSync(join(folder, 'deploy'), 'utf8'),
    allow: (publicKey) => appendFileSync(join(folder, 'authorized'), `${publicKey}\n`),
  };
};

const freePortAt = (address: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, address, () => {
      const place = server.address();
      server.close(() => resolve(typeof place === 'object' && place !== null ? place.port : 0));
    });
  });
