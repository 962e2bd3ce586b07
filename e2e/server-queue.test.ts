import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { postgresServer, whyNoPostgres } from '../src/store/sql/testing/postgres-server.ts';
import type { RunEvent } from '../src/run/run-event.ts';
import { type GitProject, type ServerOptions, type ServerProcess, startServer, type Worker } from './server-process.ts';

/** Each stage container that the engine starts from now on, as `<run>/<stage>/<attempt>`; `stop` gives those of these workers. */
const containersFromNow = async () => {
  const label = (name: string): string => `{{index .Actor.Attributes "cion.${name}"}}`;
  const format = `${label('role')} ${label('namespace')} ${label('run')}/${label('stage')}/${label('attempt')}`;
  const since = String(Math.floor(Date.now() / 1000) - 1);
  const child = spawn('docker', ['events', '--since', since, '--filter', 'type=container', '--filter', 'event=start', '--format', format]);
  const seen: (readonly [string, string])[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const [role, namespace = '', item = ''] = line.split(' ');
    if (role === 'stage') seen.push([namespace, item]);
  });
  await once(child, 'spawn');
  return {
    stop: async (workers: readonly Worker[]): Promise<readonly string[]> => {
      child.kill();
      await once(lines, 'close');
      return seen.flatMap(([namespace, item]) => (workers.some((worker) => worker.namespace === namespace) ? [item] : [])).toSorted();
    },
  };
};

const one = (text: string): string => `stages:\n  only: { image: busybox, run: echo ${text} }\n`;

const withServer = (
  name: string,
  optionsOf: () => Promise<ServerOptions>,
  closed: () => Promise<void>,
  tests: (server: () => ServerProcess) => void,
) =>
  describe(name, { timeout: 240_000, skip: name.includes('Postgres') && whyNoPostgres() }, () => {
    let server: ServerProcess;
    before(async () => {
      server = await startServer(await optionsOf());
    });
    after(async () => {
      await server.close();
      await closed();
    });
    tests(() => server);
  });

/** Runs of new branches, one after the other; gives their numbers. */
const begin = async (server: ServerProcess, project: GitProject, names: readonly string[]): Promise<readonly number[]> => {
  const numbers: number[] = [];
  for (const name of names) {
    project.commit({ '.cion.yml': one(name) });
    await project.push(`main:refs/heads/${name}`);
    const number = numbers.length + 1;
    await server.begun(project.name, number);
    await server.until(project.name, number, ({ kind }) => kind === 'stage.queued');
    numbers.push(number);
  }
  return numbers;
};

const fiveSurvive = (of: () => ServerProcess): void => {
  void it('killed with -9 with five items pending and started again, has two workers run each of the five exactly once (R-CIO-04)', async () => {
    const server = of();
    const project = await server.project('acme/five', { '.cion.yml': one('none') });
    const numbers = await begin(server, project, ['r1', 'r2', 'r3', 'r4', 'r5']);
    const before = await server.client.queue();
    assert.equal(before.items.length, 5);
    await server.kill();
    await server.start();
    assert.deepEqual(await server.client.queue(), before);
    const containers = await containersFromNow();
    const workers = [await server.worker(['--slots', '1']), await server.worker(['--slots', '1'])];
    const started: RunEvent[] = [];
    for (const number of numbers) {
      const { outcome } = await server.ended(project.name, number);
      assert.equal(outcome, 'passed');
      assert.equal(await server.text(project.name, number, 'only'), `r${number}\n`);
      started.push(...(await server.client.events(project.name, number)).filter(({ kind }) => kind === 'stage.started'));
    }
    for (const worker of workers) await worker.stop();
    assert.equal(started.length, 5);
    assert.deepEqual(await containers.stop(workers), before.items.map(({ id }) => id).toSorted());
    assert.deepEqual((await server.client.queue()).items, []);
  });
};

void withServer(
  'the queue of a server',
  async () => ({ args: ['--slots', '0'] }),
  async () => {},
  (of) => {
    it('has the containers of two repositories and two formats in one list, and nothing runs that was not in it (R-CIO-03)', async () => {
      const server = of();
      const cion = await server.project('acme/one', {
        '.cion.yml': 'stages:\n  a: { image: busybox, run: "true" }\n  b: { image: busybox, run: "true" }\n',
      });
      const dockercise = await server.project('other/two', {
        'x.dockercise.yaml': 'c: { img: busybox, run: echo c }\nd: { img: busybox, run: echo d }\n',
      });
      for (const project of [cion, dockercise]) {
        await project.push('main');
        await server.begun(project.name, 1);
        await server.until(project.name, 1, (event) => event.kind === 'stage.queued' && ['b', 'd'].includes(event.stage));
      }
      const { items } = await server.client.queue();
      assert.deepEqual(
        items.map(({ project, pipeline, stage }) => [project, pipeline, stage]),
        [
          ['acme/one', 'cion', 'a'],
          ['other/two', 'dockercise', 'c'],
          ['acme/one', 'cion', 'b'],
          ['other/two', 'dockercise', 'd'],
        ],
      );
      const containers = await containersFromNow();
      const worker = await server.worker();
      for (const { name } of [cion, dockercise]) assert.equal((await server.ended(name, 1)).outcome, 'passed');
      await worker.stop();
      assert.deepEqual(await containers.stop([worker]), items.map(({ id }) => id).toSorted());
    });

    it('gives one slot three runs in the order in which they came, one at a time (R-CIO-05)', async () => {
      const server = of();
      const project = await server.project('acme/three', { '.cion.yml': one('none') });
      const numbers = await begin(server, project, ['first', 'second', 'third']);
      const worker = await server.worker(['--slots', '1']);
      const times: number[] = [];
      for (const number of numbers) {
        const [node] = (await server.ended(project.name, number)).nodes;
        const [attempt] = node?.kind === 'stage' ? node.attempts : [];
        assert.equal(attempt?.worker, worker.name);
        times.push(attempt.startedAt ?? Number.NaN, attempt.finishedAt ?? Number.NaN);
      }
      assert.deepEqual(
        times,
        times.toSorted((one, other) => one - other),
      );
      await worker.stop();
    });

    fiveSurvive(of);

    it('hands what one worker left in a volume to another of another namespace', async () => {
      const server = of();
      const project = await server.project('acme/handed', {
        '.cion.yml': `stages:
  build: { image: busybox, run: 'echo made > "$ARTIFACTS_DIR/app"' }
  ok: { gate: person, needs: build }
  release: { image: busybox, needs: [build, ok], run: cat /cion/inputs/build/app }
`,
      });
      await project.push('main');
      await server.begun('acme/handed', 1);
      const first = await server.worker();
      await server.until('acme/handed', 1, ({ kind }) => kind === 'gate.opened');
      await first.stop();
      const second = await server.worker();
      const { digest = '', nodes } = await server.client.run('acme/handed', 1);
      const gate = nodes.find(({ name }) => name === 'ok');
      const openedAt = (gate?.kind === 'gate' ? gate.openedAt : undefined) ?? 0;
      await server.client.decide('acme/handed', 1, 'ok', { decision: 'approved', digest, openedAt });
      const ended = await server.ended('acme/handed', 1);
      assert.deepEqual(
        ended.nodes.flatMap((node) => (node.kind === 'stage' ? [node.attempts[0]?.worker] : [])),
        [first.name, second.name],
      );
      assert.equal(await server.text('acme/handed', 1, 'release'), 'made\n');
      await second.stop();
    });
  },
);

let postgres: Awaited<ReturnType<typeof postgresServer>>;
void withServer(
  'the queue of a server with Postgres',
  async () => {
    postgres = await postgresServer();
    return {
      args: ['--slots', '0'],
      env: { CION_DATABASE: postgres.url('postgres'), CION_SERVER_KEY: randomBytes(32).toString('base64') },
    };
  },
  () => postgres.close(),
  fiveSurvive,
);
