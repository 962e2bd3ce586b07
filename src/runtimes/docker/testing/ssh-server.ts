import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { freePort } from './free-port.ts';
import { programPath } from './program-path.ts';

const sshd = '/usr/sbin/sshd';

/** Why there can be no ssh server on this machine; `undefined` when there can. */
export const whyNoSshServer = (): string | undefined => {
  const missing = ['ssh', 'ssh-keygen', 'docker'].filter((program) => programPath(program) === undefined);
  if (!existsSync(sshd)) missing.push('sshd');
  return missing.length === 0 ? undefined : `${missing.join(', ')} not installed`;
};

export type SshServer = {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  /** From here on it knows no key of ours. */
  forgetKey(): Promise<void>;
};

/** Runs `use` with a real sshd on a port of the loopback, where `ssh` of this process logs in with a key made for it. */
export const withSshServer = async <T>(use: (server: SshServer) => Promise<T>): Promise<T> => {
  const directory = await mkdtemp(join(tmpdir(), 'cion-ssh-'));
  const at = (name: string) => join(directory, name);
  const port = await freePort();
  const user = userInfo().username;
  for (const key of ['host', 'user']) await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(key)]);
  const docker = dirname(programPath('docker') ?? '');
  const serverConfig = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `PidFile ${at('pid')}`,
    `AuthorizedKeysFile ${at('user.pub')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
    `SetEnv PATH=${docker}:/usr/bin:/bin`,
  ];
  await writeFile(at('sshd_config'), `${serverConfig.join('\n')}\n`);
  const clientConfig = [
    `IdentityFile ${at('user')}`,
    'IdentitiesOnly yes',
    'StrictHostKeyChecking no',
    `UserKnownHostsFile ${at('known_hosts')}`,
  ];
  await writeFile(at('ssh_config'), `${clientConfig.join('\n')}\n`);
  await mkdir(at('bin'));
  await writeFile(at('bin/ssh'), `#!/bin/sh\nexec ${programPath('ssh')} -F '${at('ssh_config')}' "$@"\n`);
  await chmod(at('bin/ssh'), 0o755);
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });

  const path = process.env.PATH;
  const server = spawn(sshd, ['-D', '-e', '-f', at('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(server, 'close');
  try {
    await new Promise<void>((resolve, reject) => {
      const log: string[] = [];
      createInterface({ input: server.stderr })
        .on('line', (line) => {
          log.push(line);
          if (line.includes('Server listening')) resolve();
        })
        .on('close', () => reject(new Error(`sshd did not start:\n${log.join('\n')}`)));
    });
    process.env.PATH = `${at('bin')}${delimiter}${path}`;
    return await use({ user, host: '127.0.0.1', port, forgetKey: () => rm(at('user.pub')) });
  } finally {
    process.env.PATH = path;
    server.kill();
    await ended;
    await rm(directory, { recursive: true });
  }
};
