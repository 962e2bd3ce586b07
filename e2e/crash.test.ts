import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { cion, startCion } from './cli.ts';
import { leftovers } from './leftovers.ts';
import { randomFrom } from './random.ts';
import { repository } from './repository.ts';

const rounds = Number(process.env['CION_CRASH_ROUNDS'] ?? 20);
const seed = Number(process.env['CION_CRASH_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const namespace = `crash-${process.pid}`;
const env = { CION_NAMESPACE: namespace };

/** Six stages: a, then b and c, then d, then e and f. */
const needs = { a: [], b: ['a'], c: ['a'], d: ['b', 'c'], e: ['d'], f: ['d'] };
const names = Object.keys(needs);

/** Each stage tells the counter that it begins and that it ends, and writes both streams in between. */
const configOf = (port: number): string => {
  const stageOf = ([name, before]: readonly [string, readonly string[]]): string => `
  ${name}:
    image: busybox:latest
    needs: [${before.join(', ')}]
    run: |
      tell() { wget -q -O /dev/null "http://$(ip route | awk '/default/ {print $3}'):${port}/${name}/$1"; }
      tell begin
      for i in 1 2 3 4 5 6 7 8 9 10; do echo "${name} line $i"; echo "${name} aside $i" >&2; usleep 15000; done
      seq 1 2000
      tell end`;
  return `stages:${Object.entries(needs).map(stageOf).join('')}\n`;
};

const lines = (count: number, text: (n: number) => string): string => Array.from({ length: count }, (_, i) => `${text(i + 1)}\n`).join('');
const stdoutOf = (name: string): string => lines(10, (n) => `${name} line ${n}`) + lines(2000, String);
const stderrOf = (name: string): string => lines(10, (n) => `${name} aside ${n}`);

describe(`kill -9 at random moments (seed ${seed})`, () => {
  it(`lets every stage run exactly once, loses no byte of a log and leaves nothing behind, ${rounds} times`, {
    timeout: 1_200_000,
  }, async (t) => {
    const counter = await countHits(t);
    const cwd = repository(t, { '.cion.yml': configOf(counter.port) });
    let took = await undisturbed(cwd);
    const random = randomFrom(seed);
    let ended = 0;
    for (let round = 0; round < rounds; ) {
      counter.hits.length = 0;
      const moment = Math.floor(random() * took);
      const killed = await runAndKill(cwd, moment);
      if (killed.run === undefined) {
        took = killed.took;
        ended++;
        assert.ok(ended < 5 * rounds);
        continue;
      }
      round++;
      const after = await cion(['resume', killed.run, '--json'], { cwd, env });
      const where = `round ${round}, killed after ${moment} ms, seed ${seed}\n${after.out}\n${after.err}`;
      assert.ok(after.code === 0 || after.err.includes('RUN_FINISHED'), where);
      for (const name of names) {
        assert.deepEqual(
          counter.hits.filter((hit) => hit.startsWith(`/${name}/`)),
          [`/${name}/begin`, `/${name}/end`],
          where,
        );
        const log = await cion(['logs', killed.run, name], { cwd, env });
        assert.equal(log.out, stdoutOf(name), where);
        assert.equal(log.err, stderrOf(name), where);
      }
      assert.equal(leftovers(namespace, 'runs'), '', where);
    }
    t.diagnostic(`${ended} runs ended before they were killed`);
    await cion(['clean'], { cwd, env });
    assert.equal(leftovers(namespace, 'all'), '');
  });
});

const countHits = async (t: TestContext): Promise<{ readonly port: number; readonly hits: string[] }> => {
  const hits: string[] = [];
  const server = createServer((request, response) => {
    hits.push(request.url ?? '');
    response.end();
  });
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, hits };
};

/** Milliseconds from the plan to the end. */
const undisturbed = async (cwd: string): Promise<number> => {
  const running = startCion(['run', '--json'], { cwd, env });
  await running.wrote('"run.planned"');
  const began = Date.now();
  const ended = await running.ended;
  assert.equal(ended.code, 0, `${ended.stdout}${ended.stderr}`);
  return Date.now() - began;
};

/** Kills a run so long after it has its plan: its id, or how long it took when it had ended before, on a machine with less to do by now. */
const runAndKill = async (cwd: string, moment: number): Promise<{ readonly run?: string | undefined; readonly took: number }> => {
  const running = startCion(['run', '--json'], { cwd, env });
  await running.wrote('"run.planned"');
  const began = Date.now();
  const timer = setTimeout(() => running.process.kill('SIGKILL'), moment);
  const { stdout, signal } = await running.ended;
  clearTimeout(timer);
  const run = signal === 'SIGKILL' ? /"run":"(run_\w+)"/.exec(stdout.toString())?.[1] : undefined;
  return { run, took: Date.now() - began };
};
