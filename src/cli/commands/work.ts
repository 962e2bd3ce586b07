import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { availableParallelism, homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { ApiError } from '../../api/api-error.ts';
import { workerName } from '../../api/auth.ts';
import { workerClient } from '../../api/worker-client.ts';
import { systemClock } from '../../lib/clock.ts';
import { endableClock } from '../../lib/endable-clock.ts';
import { takeProcessLock } from '../../lib/process-lock.ts';
import { runWorker } from '../../worker/run-worker.ts';
import type { Context } from '../context.ts';
import { emptyFolder } from '../empty-folder.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { refuseInTheClear } from '../in-the-clear.ts';
import { listenForInterrupts } from '../interrupts.ts';
import { Refusal } from '../refusal.ts';
import { openRuntime, type RuntimeOptions } from './open-runtime.ts';

export type WorkOptions = RuntimeOptions & {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly name?: string;
  readonly label?: readonly string[];
  readonly slots?: number;
  readonly stateDir?: string;
  readonly insecureHttp?: true;
};

const patienceMs = 60_000;

/** Runs what a server gives until it is told to end: first when what runs has ended, then at once. */
export const work = async (context: Context, options: WorkOptions): Promise<ExitCode> => {
  const url = serverUrl(options.server);
  refuseInTheClear(context, url, options.insecureHttp === true);
  const name = nameOf(options.name ?? hostname());
  const token = await tokenOf(context, options);
  const stateDir = stateDirOf(context, options, name);
  const clock = endableClock(systemClock);
  const log = (line: string): void => void context.stderr.write(`${new Date(clock.now()).toISOString()} ${line}\n`);
  const lock = await takeProcessLock(join(stateDir, 'lock'));
  if (lock.kind === 'held')
    throw new Refusal('WORKER_RUNS', `Process ${lock.pid} is the worker ${JSON.stringify(name)} of this machine already.`);
  const said = [
    'nothing new is taken; it ends when what runs has ended, or when it is asked again',
    'it ends; the next worker of this name goes on with what runs',
  ].values();
  const interrupts = listenForInterrupts(() => log(said.next().value ?? ''), name);
  try {
    const own = { ...context, env: { ...context.env, CION_NAMESPACE: context.env.CION_NAMESPACE || namespaceOf(name) } };
    const opened = await openRuntime(options, own, AbortSignal.any([interrupts.cancel, AbortSignal.timeout(patienceMs)])).catch(
      (error: unknown) => {
        if (interrupts.cancel.aborted) return undefined;
        throw error;
      },
    );
    if (opened === undefined) return exitCodes.passed;
    const { runtime, logins, close } = opened;
    try {
      log(`the worker ${JSON.stringify(name)} asks ${url} for work`);
      await runWorker(
        {
          ...workerClient({ url, token, folder: await emptyFolder(join(stateDir, 'uploads')) }),
          runtime,
          logins,
          clock,
          random: Math.random,
          name,
          labels: options.label ?? [],
          slots: options.slots ?? Math.max(4, availableParallelism()),
          stateDir,
          log,
          taken: () => log(`the worker ${JSON.stringify(name)} works for ${url} with ${runtime.name}`),
        },
        { drain: interrupts.cancel, leave: interrupts.force },
      );
    } finally {
      await close();
    }
  } catch (error) {
    throw error instanceof ApiError
      ? new Refusal('WORKER_REFUSED', `The server does not take this worker: ${error.message}`, error.hint)
      : error;
  } finally {
    clock.end();
    interrupts.stop();
    await lock.release();
  }
  return exitCodes.passed;
};

const nameOf = (text: string): string => {
  if (workerName.safeParse(text).success) return text;
  throw new Refusal(
    'USAGE',
    `A worker cannot be called ${JSON.stringify(text)}.`,
    'Give it a name with --name: 1 to 63 letters, digits and . _ - in it.',
  );
};

/** Never from the command line, where everybody on the machine could read it. */
const tokenOf = async ({ cwd, env }: Context, { tokenFile }: WorkOptions): Promise<string> => {
  if (tokenFile === undefined) {
    if (env.CION_WORKER_TOKEN) return checkedToken(env.CION_WORKER_TOKEN, 'CION_WORKER_TOKEN');
    throw new Refusal(
      'WORKER_TOKEN_MISSING',
      'A worker needs a token of its server.',
      'Give it in CION_WORKER_TOKEN, or in a file: --token-file.',
    );
  }
  const file = resolve(cwd, tokenFile);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Refusal(
      'WORKER_TOKEN_MISSING',
      `The token of the worker cannot be read: ${String(error instanceof Error ? error.message : error)}.`,
    );
  });
  return checkedToken(text, file);
};

const checkedToken = (text: string, place: string): string => {
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new Refusal('WORKER_TOKEN_MISSING', `${place} is no token: one line of letters, digits and signs.`);
};

const serverUrl = (text: string | undefined): string => {
  if (text === undefined)
    throw new Refusal('USAGE', 'A worker needs the address of its server.', 'Give it: --server https://HOST, or CION_SERVER.');
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new Refusal('USAGE', `${JSON.stringify(text)} is not the address of a server.`, 'Write https://HOST.');
};

const stateDirOf = ({ cwd, env }: Context, { stateDir }: WorkOptions, name: string): string =>
  stateDir === undefined
    ? join(
        env.CION_STATE_HOME || join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state'), 'cion'),
        'workers',
        nameInPaths(name),
      )
    : resolve(cwd, stateDir);

/** Of what it makes on the engine: its own, so that it is swept without harm to others. */
const namespaceOf = (name: string): string => `cion-worker-${nameInPaths(name)}`;

/** Itself where it can be part of any name, else what is left of it and a hash. */
const nameInPaths = (name: string): string => {
  if (/^[a-z0-9][a-z0-9-]{0,39}$/.test(name)) return name;
  const left = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 30);
  return `${left === '' ? 'worker' : left}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
};
