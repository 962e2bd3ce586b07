import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** A command of cion in a process of its own that is started again whenever it ends by itself, as a supervisor of services does it. */
export type Supervised = {
  readonly name: string;
  /** Resolves when what it wrote since its last start contains the text. */
  wrote(text: string): Promise<string>;
  pid(): number | undefined;
  start(): void;
  /** `kill -9`; it stays down until it is started. */
  kill(): Promise<void>;
  /** Asks it to end, and gives its exit code; it stays down. `null`: it did not end within 20 s. */
  end(): Promise<number | null>;
  /** Its last words, for each time that it ended without being told to. */
  endedItself(): readonly string[];
};

export type SupervisedOptions = {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** All it writes is appended to this file. */
  readonly log: string;
};

const againMs = 250;
const patienceMs = 20_000;

export const supervised = ({ name, args, env, cwd, log }: SupervisedOptions): Supervised => {
  let child: ChildProcess | undefined;
  let exited: Promise<number | null> = Promise.resolve(null);
  let isWanted = false;
  const ends: string[] = [];
  let said = '';
  let news = Promise.withResolvers<void>();

  const start = (): void => {
    isWanted = true;
    said = '';
    const { PATH, HOME } = process.env;
    const own = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, main, ...args], {
      cwd,
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = own;
    const heard = (bytes: Buffer): void => {
      appendFileSync(log, bytes);
      said += bytes.toString();
      news.resolve();
      news = Promise.withResolvers();
    };
    own.stdout.on('data', heard);
    own.stderr.on('data', heard);
    exited = once(own, 'close').then(async ([code]) => {
      appendFileSync(log, `-- ${name} ended: ${own.signalCode ?? own.exitCode}\n`);
      if (isWanted && child === own) {
        ends.push(`${own.signalCode ?? own.exitCode}: ${said.slice(-500)}`);
        await pause(againMs);
        if (isWanted && child === own) start();
      }
      return code as number | null;
    });
  };
  const stop = async (signal: NodeJS.Signals): Promise<number | null> => {
    isWanted = false;
    child?.kill(signal);
    return exited;
  };

  return {
    name,
    pid: () => child?.pid,
    start,
    wrote: async (text) => {
      while (!said.includes(text)) await news.promise;
      return said;
    },
    kill: async () => void (await stop('SIGKILL')),
    end: async () => {
      const own = child;
      const overdue = setTimeout(() => own?.kill('SIGKILL'), patienceMs);
      return stop('SIGTERM').finally(() => clearTimeout(overdue));
    },
    endedItself: () => ends,
  };
};
