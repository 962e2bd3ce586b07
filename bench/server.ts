import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { postgresServer } from '../src/store/sql/testing/postgres-server.ts';
import { streamEvents } from '../src/api/sse.ts';
import { paths } from '../src/api/paths.ts';
import { callHook } from '../src/cli/hook-call.ts';
import type { RunEvent } from '../src/run/run-event.ts';
import { type Admin, type ServerProcess, serverProcess, setUp } from '../e2e/supervised-server.ts';
import { commit, git, repository } from '../e2e/repository.ts';
import { dockerRuns } from './docker.ts';
import { median } from './measure.ts';

const project = 'acme/bench';

type Served = {
  readonly server: ServerProcess;
  readonly admin: Admin;
  readonly after: (undo: () => void) => void;
  readonly directory: string;
};

/** `cion serve` alone, with its own database and worker, for as long as the work takes. */
const served = async <T>(work: (served: Served) => Promise<T>): Promise<T> => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'cion-bench-')));
  const undo: (() => void)[] = [];
  const server = await serverProcess({ directory, slots: 4, env: { CION_NAMESPACE: `bench-${process.pid}` } });
  server.start();
  try {
    const admin = await setUp(server);
    return await work({ server, admin, directory, after: (one) => undo.push(one) });
  } finally {
    await server.end();
    for (const one of undo) one();
    rmSync(directory, { recursive: true, force: true });
  }
};

/** A project of one stage that runs this, its repository bare and beside it a working tree that pushes to it. */
const connected = async ({ admin, after, directory }: Served, script: string) => {
  const tree = repository(
    { after: (undo) => after(undo as () => void) },
    { '.cion.yml': `stages:\n  one:\n    image: busybox:latest\n    run: ${script}\n` },
  );
  const bare = join(directory, 'bench.git');
  git(directory, 'clone', '--quiet', '--bare', tree, bare);
  const hook = await admin.connect(project, bare);
  const push = (): string => {
    const made = commit(tree, { file: String(Math.random()) });
    git(tree, 'push', '--quiet', bare, 'main');
    return made;
  };
  return {
    push,
    call: (made: string) => callHook(new URL(hook.url), hook.secret, { ref: 'refs/heads/main', old: '0'.repeat(40), new: made, by: 'ada' }),
  };
};

/** All events of the run of that commit, when it has ended. */
const endedRun = async ({ admin }: Served, made: string): Promise<{ readonly number: number; readonly events: readonly RunEvent[] }> => {
  for (;;) {
    const [row] = (await admin.api.runs(project, { commit: made, limit: 1 })).runs;
    if (row?.phase === 'finished') return { number: row.number, events: await admin.api.events(project, row.number) };
    await pause(100);
  }
};

/** Milliseconds from a push's signed call to what happened then. */
export type FirstContainer = {
  readonly p50: number;
  readonly p95: number;
  /** From the one before; medians. */
  readonly parts: Readonly<Record<string, number>>;
  readonly dockerRun: number;
};

const marks = ['run.created', 'fetch.started', 'source.kept', 'run.planned', 'stage.preparing', 'stage.started'] as const;

/** A push to a project of one tiny stage, until its container has started; one that does not count goes before. */
export const firstContainer = (times: number): Promise<FirstContainer> =>
  served(async (at) => {
    const { push, call } = await connected(at, 'true');
    const all: number[][] = [];
    const runs: number[] = [];
    for (let i = 0; i <= times; i++) {
      const made = push();
      const began = Date.now();
      await call(made);
      const { events } = await endedRun(at, made);
      const moments = marks.map((kind) => (events.find((event) => event.kind === kind)?.at ?? Number.NaN) - began);
      if (i > 0) all.push(moments);
      runs.push(await dockerRuns(1, 'true', false));
    }
    const totals = all.map((moments) => moments.at(-1) ?? Number.NaN).toSorted((one, other) => one - other);
    const parts = marks.map(
      (kind, index) => [kind, median(all.map((moments) => (moments[index] ?? 0) - (index === 0 ? 0 : (moments[index - 1] ?? 0))))] as const,
    );
    return {
      p50: median(totals),
      p95: totals[Math.ceil(totals.length * 0.95) - 1] ?? Number.NaN,
      parts: Object.fromEntries(parts),
      dockerRun: median(runs),
    };
  });

export type Read = {
  readonly seconds: number;
  readonly megabytes: number;
  readonly wrong: number;
  readonly before: number;
  readonly most: number;
};

/** So many read one log live while its stage writes so many bytes. `wrong`: readers that did not get just these; memory of the server in megabytes. */
export const liveReaders = (readers: number, lines: number): Promise<Read> =>
  served(async (at) => {
    const { push, call } = await connected(
      at,
      `"sleep 5; yes 0123456789012345678901234567890123456789012345678901234567890123456789012345678 | head -n ${lines}"`,
    );
    const before = residentMb(at.server);
    const made = push();
    await call(made);
    const number = await begunRun(at, made);
    const began = performance.now();
    const reads = Array.from({ length: readers }, (_, index) => bytesRead(at, number, `127.0.0.${2 + Math.floor(index / 100)}`));
    let most = before;
    const watching = setInterval(() => (most = Math.max(most, residentMb(at.server))), 200);
    const got = await Promise.all(reads);
    clearInterval(watching);
    const seconds = (performance.now() - began) / 1000;
    const bytes = lines * 80;
    return { seconds, megabytes: (bytes * readers) / 1e6, wrong: got.filter((each) => each !== bytes).length, before, most };
  });

const begunRun = async ({ admin }: Served, made: string): Promise<number> => {
  for (;;) {
    const [row] = (await admin.api.runs(project, { commit: made, limit: 1 })).runs;
    if (row !== undefined && (await admin.api.events(project, row.number)).some(({ kind }) => kind === 'stage.started')) return row.number;
    await pause(100);
  }
};

/** As a browser does it; from an address of its own, for one address may have so many streams. */
const bytesRead = async ({ server, admin }: Served, number: number, localAddress: string): Promise<number> => {
  const agent = new Agent({ localAddress });
  const request = get(new URL(paths.logStream(project, number, 'one'), server.url), {
    agent,
    headers: { authorization: `Bearer ${admin.token}` },
  });
  const [answer] = (await once(request, 'response')) as [
    AsyncIterable<string> & { setEncoding(encoding: 'utf8'): void; statusCode: number },
  ];
  answer.setEncoding('utf8');
  let bytes = 0;
  for await (const { event, data } of streamEvents(answer)) {
    if (event === 'log') bytes += Buffer.byteLength((JSON.parse(data) as { readonly bytes: string }).bytes, 'base64');
  }
  agent.destroy();
  return bytes;
};

/** Megabytes of a server that has had nothing to do for ten seconds. */
export const idleMemory = async (kind: 'embedded' | 'postgres'): Promise<number> => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'cion-bench-')));
  const postgres = kind === 'postgres' ? await postgresServer() : undefined;
  const database = postgres === undefined ? {} : { database: postgres.url('postgres') };
  const server = await serverProcess({ directory, slots: 4, env: { CION_NAMESPACE: `bench-${process.pid}` }, ...database });
  server.start();
  await server.wrote('can become it: ');
  await pause(10_000);
  const resident = residentMb(server);
  await server.end();
  await postgres?.close();
  rmSync(directory, { recursive: true, force: true });
  return resident;
};

const residentMb = (server: ServerProcess): number =>
  Number(/VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${server.pid()}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024;
