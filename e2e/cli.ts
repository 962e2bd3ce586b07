import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export type Ended = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
};

export type CliOptions = {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Uint8Array;
};

/** The real command line in a process of its own, with only the variables that it is given and those that a process needs to live. */
export const cion = async (
  args: readonly string[],
  options: CliOptions,
): Promise<Ended & { readonly out: string; readonly err: string }> => {
  const { ended } = startCion(args, options);
  const result = await ended;
  return { ...result, out: result.stdout.toString(), err: result.stderr.toString() };
};

export type Running = {
  readonly process: ChildProcessWithoutNullStreams;
  /** Resolves when what was written so far contains the text; rejects when the process ends without it. */
  wrote(text: string): Promise<void>;
  /** What was written so far, on both streams. */
  said(): string;
  readonly ended: Promise<Ended>;
};

export const startCion = (args: readonly string[], options: CliOptions): Running => {
  const { PATH, HOME, DOCKER_HOST, DOCKER_CERT_PATH, DOCKER_TLS_VERIFY, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, ['--', main, ...args], {
    cwd: options.cwd,
    env: { PATH, HOME, DOCKER_HOST, DOCKER_CERT_PATH, DOCKER_TLS_VERIFY, NODE_COMPILE_CACHE, ...options.env },
  });
  child.stdin.on('error', () => undefined).end(options.input);
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout: Buffer.concat(chunks.stdout),
    stderr: Buffer.concat(chunks.stderr),
  }));
  const said = (): string => Buffer.concat([...chunks.stdout, ...chunks.stderr]).toString();
  const wrote = async (text: string): Promise<void> => {
    let over = false;
    const end = ended.then(() => {
      over = true;
    });
    while (!said().includes(text)) {
      if (over) throw new Error(`cion ended without writing ${JSON.stringify(text)}:\n${said()}`);
      await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), end]);
    }
  };
  return { process: child, wrote, said, ended };
};
