import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type PostgresServer, postgresServer } from '../../src/store/sql/testing/postgres-server.ts';
import { type RestartableEngine, restartableEngine } from '../../src/runtimes/docker/testing/restartable-engine.ts';
import type { Kill, Victim } from './schedule.ts';
import { type Admin, type ServerProcess, serverProcess, setUp } from '../supervised-server.ts';
import { type Supervised, supervised } from '../supervised.ts';

/** A server on a Postgres, workers, and an engine for each worker: all of them processes that can be killed. */
export type Site = {
  readonly directory: string;
  /** Mounted by stages. */
  readonly witness: string;
  readonly admin: Admin;
  readonly server: ServerProcess;
  readonly workers: readonly Supervised[];
  readonly engines: readonly RestartableEngine[];
  kill(victim: Victim): Promise<void>;
  start(victim: Victim): Promise<void>;
  /** One kill, until the part runs again. */
  carryOut(kill: Kill): Promise<void>;
  close(): Promise<void>;
};

export const openSite = async (size: number): Promise<Site> => {
  const directory = realpathSync(mkdtempSync('/tmp/cion-chaos-'));
  const witness = join(directory, 'witness');
  const temporary = join(directory, 'tmp');
  for (const folder of [witness, temporary]) mkdirSync(folder);
  const image = execFileSync('docker', ['save', 'busybox:latest'], { maxBuffer: 2 ** 28 });
  const numbers = Array.from({ length: size }, (_, index) => index + 1);
  const engines = await Promise.all(
    numbers.map(async (number) => {
      const engine = await restartableEngine(join(directory, `engine-${number}`));
      await engine.start();
      execFileSync('docker', ['-H', engine.host, 'load'], { input: image, stdio: ['pipe', 'ignore', 'inherit'] });
      return engine;
    }),
  );
  const postgres = await postgresServer({ durable: true });
  const server = await serverProcess({ directory, slots: 0, database: postgres.url('postgres'), env: { TMPDIR: temporary } });
  server.start();
  const admin = await setUp(server);
  const workers = await Promise.all(
    numbers.map(async (number) => {
      const name = `worker-${number}`;
      return supervised({
        name,
        args: [
          'work',
          '--server',
          server.url,
          '--name',
          name,
          '--slots',
          '4',
          '--state-dir',
          join(directory, name),
          '--allow-host-path',
          witness,
        ],
        env: { CION_WORKER_TOKEN: await admin.workerToken(name), DOCKER_HOST: engines[number - 1]?.host, TMPDIR: temporary },
        cwd: directory,
        log: join(directory, `${name}.log`),
      });
    }),
  );
  for (const worker of workers) worker.start();

  const partOf = (victim: Victim): Pick<RestartableEngine | PostgresServer | Supervised, 'kill' | 'start'> => {
    if (victim === 'server') return server;
    if (victim === 'postgres') return postgres;
    const [kind, number] = victim.split('-');
    const part = (kind === 'worker' ? workers : engines)[Number(number) - 1];
    if (part === undefined) throw new Error(`there is no ${victim}`);
    return part;
  };
  const kill = (victim: Victim): Promise<void> => partOf(victim).kill();
  /** Resolves when it is there again. */
  const start = async (victim: Victim): Promise<void> => {
    await partOf(victim).start();
    if (victim === 'server') await server.wrote('cion serves at');
    const worker = workers.find(({ name }) => name === victim);
    await worker?.wrote('for work');
  };
  return {
    directory,
    witness,
    admin,
    server,
    workers,
    engines,
    kill,
    start,
    carryOut: async ({ victim, downMs }) => {
      await kill(victim);
      await pause(downMs);
      await start(victim);
    },
    close: async () => {
      await Promise.all([server, ...workers].map((part) => part.kill()));
      await postgres.close();
      await Promise.all(engines.map((engine) => engine.close()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
