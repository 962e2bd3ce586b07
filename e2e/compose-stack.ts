import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { root } from '../scripts/setup/root.mjs';
import { which } from '../scripts/setup/shell.mjs';
import { forwardedPort } from './forwarded-socket.ts';
import { postgresImage } from './postgres-image.ts';
import { directory } from './repository.ts';

const program = which('docker-compose');

export const whyNoCompose = (): string | false => (program === undefined ? 'docker-compose is not installed' : false);

/** `/healthz` as the S3 server of the compose file has it; all else goes to the one of this machine. */
const objects = (to: { readonly address: string; readonly port: number }): string => `
const { createServer, request } = require('node:http');
createServer((asked, answer) => {
  if (asked.url === '/healthz') return answer.end('ok');
  const { method, url: path, headers } = asked;
  const on = request({ host: '${to.address}', port: ${to.port}, method, path, headers }, (said) => {
    answer.writeHead(said.statusCode, said.headers);
    said.pipe(answer);
  });
  on.on('error', () => answer.destroy());
  asked.pipe(on);
}).listen(8333);
process.on('SIGTERM', () => process.exit(0));
`;

export type StackOptions = {
  /** Of the Dockerfile. */
  readonly image: string;
  /** Of this machine, as containers see it. */
  readonly address: string;
  readonly port: number;
  readonly s3: { readonly endpoint: string; readonly accessKeyId: string; readonly secretAccessKey: string };
};

/**
 * contrib/compose as it is, in a place of its own. Where there is no registry, its images are those that are given: the names of images are all that differs,
 * and that the S3 server is this machine's.
 */
export const composeStack = async (t: TestContext, { image, address, port, s3 }: StackOptions) => {
  const undo: (() => unknown)[] = [];
  const place = join(directory({ after: (one) => void undo.push(one as () => unknown) }), 'compose');
  cpSync(join(root, 'contrib', 'compose'), place, { recursive: true });
  const name = `cione2e${randomBytes(4).toString('hex')}`;
  const behind = new URL(s3.endpoint);
  const forwarded = await forwardedPort(t, { host: behind.hostname, port: Number(behind.port) }, address);
  const services = {
    database: { image: await postgresImage(t, `cion-e2e/postgres-${process.pid}`) },
    objects: { image, entrypoint: ['node', '-e', objects({ address, port: forwarded })], command: [] },
    bucket: { image },
    cion: { image },
    worker: { image, environment: { CION_NAMESPACE: name } },
  };
  writeFileSync(join(place, 'here.yaml'), JSON.stringify({ services }));
  const env = {
    PATH: process.env.PATH,
    DOCKER_HOST: process.env.DOCKER_HOST,
    CION_URL: `http://127.0.0.1:${port}`,
    CION_INSECURE_HTTP: '1',
  };
  const secrets = spawnSync(join(place, 'make-secrets.sh'), { encoding: 'utf8', env });
  if (secrets.status !== 0) throw new Error(secrets.stderr);
  const { accessKeyId, secretAccessKey } = s3;
  writeFileSync(
    join(place, 'secrets', 's3-login'),
    `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
  );

  const compose = async (...args: readonly string[]): Promise<string> => {
    const files = ['--project-name', name, '--file', 'compose.yaml', '--file', 'here.yaml', '--profile', 'work'];
    const child = spawn(program ?? '', [...files, ...args], { cwd: place, env: { ...env, CION_PORT: String(port) } });
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), new Promise((end) => child.on('close', end))]);
    if (code !== 0) throw new Error(`docker-compose ${args.join(' ')}: ${out}${err}`);
    return `${out}${err}`;
  };
  t.after(async () => {
    await compose('down', '--volumes', '--timeout', '1');
    for (const one of undo) one();
  });
  return { name, place, compose };
};
