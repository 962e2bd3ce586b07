import { join } from 'node:path';
import { inProcessAgent } from '../../api/in-process-agent.ts';
import { workerClient } from '../../api/worker-client.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { endableClock } from '../../lib/endable-clock.ts';
import { sealerOf } from '../../secrets/sealer.ts';
import { workerKeysOf } from '../../secrets/worker-keys.ts';
import { askOutside } from '../../server/outgoing/ask-outside.ts';
import { outgoing } from '../../server/outgoing/outgoing.ts';
import { type MetricsServer, metricsServer } from '../../server/observe/metrics-server.ts';
import { newBearer } from '../../server/auth/bearer.ts';
import { sourceApart } from '../../source/source-apart.ts';
import { runWorker } from '../../worker/run-worker.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { emptyFolder } from '../empty-folder.ts';
import { Refusal } from '../refusal.ts';
import { write } from '../write.ts';
import { openRuntime } from './open-runtime.ts';
import { openServer, type ServerParts } from './open-server.ts';
import { askedOf, type ServeOptions } from './serve-options.ts';
import { openState } from './server-state.ts';
import { databasePlace, dataDirectory, insideWorker, keysOf, makeDirectory, makeKey } from './server-place.ts';
import { openStorage } from './server-storage.ts';
import { stepByOf } from './step-by.ts';

/** Runs a server until a signal ends it: what its own worker had let go is left running, and taken up by the next start. */
export const serve = async (context: Context, options: ServeOptions): Promise<ExitCode> => {
  const { stdout, stderr } = context;
  const warn = (text: string): void => void stderr.write(`cion: ${text}\n`);
  const directory = dataDirectory(context, options);
  const asked = await askedOf(context, options);
  const { listen, metrics: metricsAt, said, steps } = asked;
  const storage = await openStorage(context, directory, options, warn);
  await makeDirectory(directory);
  const place = databasePlace(options, directory);
  await makeKey(context, options, directory, warn);
  const keys = await keysOf(context, options, directory);
  const stop = stopOf();
  const clock = endableClock(systemClock);
  const waiting = (): void => warn('another server has the database: waiting until it is gone');
  const state = await openState(place, clock, stop.signal, waiting).catch(async (error: unknown) => {
    stop.off();
    await storage.close();
    clock.end();
    if (error !== stop.signal.reason) throw error;
  });
  if (state === undefined) return exitCodes.passed;
  const source = sourceApart();
  try {
    const anywhere = { name: () => true, address: () => true };
    const askSteps = askOutside(outgoing({ allowed: asked.allowed, clock }), outgoing({ allowed: anywhere, clock }));
    const embedded = { token: newBearer('worker'), worker: await insideWorker(directory) };
    const parts: Omit<ServerParts, 'publicUrl'> = {
      ...asked.parts,
      state,
      storage,
      sealer: sealerOf(keys),
      workerKeys: workerKeysOf(keys),
      source,
      clock,
      directory,
      stepBy: (signal, note) => {
        const place = { root: directory, stateDir: directory };
        const fetched = stepByOf(context, place, steps, signal, note, { directories: false, ask: askSteps });
        return async (reference) => {
          const step = await fetched(reference);
          if (step.ok) await storage.keepStep(step.value.tree);
          return step;
        };
      },
      embedded,
      log: { write: (line) => void stderr.write(line) },
      warn,
    };
    const publicUrl = said ?? `http://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${listen.port}`;
    const server = await openServer({ ...parts, publicUrl });
    let metrics: MetricsServer | undefined;
    try {
      await server.app.listen(listen).catch((error: unknown) => Promise.reject(listenError(error, listen)));
      if (metricsAt !== undefined) {
        metrics = await metricsServer(server.metrics, metricsAt).catch((error: unknown) => Promise.reject(listenError(error, metricsAt)));
      }
      await write(stdout, `cion serves at ${publicUrl}\n`);
      if (server.setup.token !== undefined) {
        const how = `Whoever has this token can become it: ${server.setup.token}\n"cion login --server ${publicUrl}" asks for it.`;
        await write(stdout, `There is no admin yet. ${how}\n`);
      }
      const failed = new AbortController();
      const ended = AbortSignal.any([stop.signal, state.replaced, failed.signal]);
      const working =
        options.slots === 0
          ? Promise.resolve()
          : work(context, options, { directory, embedded, server: server.app.server, clock, stop: ended });
      const going = [server.start(ended), working, untilAborted(ended)];
      for (const one of going) one.catch(() => failed.abort());
      try {
        await Promise.all(going);
      } finally {
        await Promise.allSettled(going);
      }
    } finally {
      await metrics?.close();
      await server.app.close();
    }
    if (state.replaced.aborted) warn('another server has taken over the database: this one ends');
    return state.replaced.aborted ? exitCodes.errored : exitCodes.passed;
  } finally {
    stop.off();
    await source.close();
    await storage.close();
    await state.close();
    clock.end();
  }
};

type Inside = {
  readonly directory: string;
  readonly embedded: ServerParts['embedded'];
  readonly server: Parameters<typeof inProcessAgent>[0];
  readonly clock: Clock;
  readonly stop: AbortSignal;
};

/** The worker inside: as any other, but without a network between. */
const work = async (context: Context, options: ServeOptions, { directory, embedded, server, clock, stop }: Inside): Promise<void> => {
  const agent = inProcessAgent(server);
  const namespace = context.env.CION_NAMESPACE || `server-${embedded.worker}`;
  const { runtime, logins, close } = await openRuntime(options, { ...context, env: { ...context.env, CION_NAMESPACE: namespace } }, stop);
  try {
    await runWorker(
      {
        ...workerClient({
          url: 'http://server.internal',
          token: embedded.token,
          agent,
          folder: await emptyFolder(join(directory, 'worker', 'uploads')),
        }),
        runtime,
        logins,
        clock,
        random: Math.random,
        name: embedded.worker,
        labels: options.label ?? [],
        slots: options.slots,
        stateDir: join(directory, 'worker'),
        log: (line) => void context.stderr.write(`cion: worker: ${line}\n`),
      },
      { drain: stop, leave: stop },
    );
  } finally {
    agent.destroy();
    await close();
  }
};

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((settled) => {
    if (signal.aborted) settled();
    else signal.addEventListener('abort', () => settled(), { once: true });
  });

const stopOf = () => {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return {
    signal: stop.signal,
    off: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
};

const listenError = (error: unknown, { host, port }: { readonly host: string; readonly port: number }): unknown => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const whys: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there',
    EADDRNOTAVAIL: 'this machine has no such address',
    EACCES: 'this user may not',
  };
  const why = typeof code === 'string' ? whys[code] : undefined;
  return why === undefined
    ? error
    : new Refusal('LISTEN_REFUSED', `The server cannot listen at ${host}:${port}: ${why}.`, 'Give another place: --listen ADDRESS:PORT.');
};
