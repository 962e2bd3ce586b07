import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const backend = '/usr/lib/git-core/git-http-backend';

export const whyNoGitBackend: string | false = existsSync(backend) ? false : 'there is no git-http-backend';

/** git's own server behind https and a login: what `git http-backend` has below a directory. */
export type GitOverHttps = {
  /** `https://127.0.0.1:…`. */
  readonly origin: string;
  /** Its certificate and the key of that, files; the certificate is its own authority. */
  readonly ca: string;
  readonly key: string;
  /** Who is let in. */
  readonly login: { user: string; secret: string };
  /** Of each request: whether it had a login, and which. */
  readonly requests: { readonly path: string; readonly login: string | undefined }[];
  /** Processes that had the secret in their command line or environment while a request was answered. */
  readonly exposed: string[];
  /** Answers in place of git. */
  answer: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** A bare repository with these files; gives its address and its newest commit. */
  repository(path: string, files: Readonly<Record<string, string>>): { readonly url: string; readonly commit: string };
  close(): Promise<void>;
};

/** `like`: with the certificate of that one, so that who trusts one trusts both. */
export const gitOverHttps = async (
  login: { readonly user: string; readonly secret: string },
  like?: Pick<GitOverHttps, 'ca' | 'key'>,
): Promise<GitOverHttps> => {
  const directory = mkdtempSync(join(tmpdir(), 'cion-git-https-'));
  const root = join(directory, 'repositories');
  mkdirSync(root);
  const { ca, key } = like ?? { ca: join(directory, 'ca.pem'), key: join(directory, 'key.pem') };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  if (like === undefined)
    execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', ca, '-days', '2', ...name], { stdio: 'ignore' });

  const git: GitOverHttps = {
    origin: '',
    ca,
    key,
    login: { ...login },
    requests: [],
    exposed: [],
    answer: undefined,
    repository: (path, files) => {
      const work = mkdtempSync(join(directory, 'work-'));
      const run = (...args: readonly string[]): string =>
        execFileSync('git', ['-C', work, '-c', 'user.name=me', '-c', 'user.email=me@example.com', ...args], {
          stdio: ['ignore', 'pipe', 'ignore'],
        })
          .toString()
          .trim();
      run('init', '-q', '-b', 'main');
      for (const [file, text] of Object.entries(files)) writeFileSync(join(work, file), text);
      run('add', '-A');
      run('commit', '-q', '-m', 'A commit');
      run('clone', '-q', '--bare', work, join(root, `${path}.git`));
      return { url: `${git.origin}/${path}.git`, commit: run('rev-parse', 'HEAD') };
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };

  const server = createServer({ key: readFileSync(key), cert: readFileSync(ca) }, (request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'https://here');
    const given = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const said = given === undefined ? undefined : Buffer.from(given, 'base64').toString();
    git.requests.push({ path: pathname, login: said });
    git.exposed.push(...whoShows(git.login.secret));
    if (git.answer?.(request, response) === true) return;
    if (said !== `${git.login.user}:${git.login.secret}`) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end(`You sent ${said ?? 'nothing'}\n`);
      return;
    }
    const cgi = spawn(backend, [], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: pathname,
        QUERY_STRING: search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        REMOTE_USER: git.login.user,
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    request.pipe(cgi.stdin);
    const chunks: Buffer[] = [];
    cgi.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    cgi.on('close', () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      const headers = all
        .subarray(0, end)
        .toString()
        .split('\r\n')
        .map((line) => line.split(': ') as [string, string]);
      const status = Number(headers.find(([header]) => header === 'Status')?.[1]?.slice(0, 3) ?? 200);
      response.writeHead(status, Object.fromEntries(headers.filter(([header]) => header !== 'Status'))).end(all.subarray(end + 4));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(git, { origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}` });
};

/** By what the machine shows of its processes. */
const whoShows = (secret: string): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) =>
      ['cmdline', 'environ'].filter((what) => shown(`/proc/${pid}/${what}`).includes(secret)).map((what) => `${pid} ${what}`),
    );

const shown = (path: string): Buffer => {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
};
