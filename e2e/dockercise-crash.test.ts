import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fold } from '../src/run/fold.ts';
import type { RunEvent } from '../src/run/run-event.ts';
import type { NodeState } from '../src/run/run-state.ts';
import { cion, startCion } from './cli.ts';
import { leftovers } from './leftovers.ts';
import { randomFrom } from './random.ts';
import { repository } from './repository.ts';

const rounds = Number(process.env['CION_CRASH_ROUNDS'] ?? 3);
const seed = Number(process.env['CION_CRASH_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const namespace = `dockercise-crash-${process.pid}`;
const env = { CION_NAMESPACE: namespace };
const how = ['--json', '--keep-going', '--concurrency', '6'];

const rows = 12;
const columns = 5;
const nameAt = (row: number, column: number): string => `s${row}-${column % columns}`;
const signs = (name: string): string => `mktemp /ledger/${name}.${'X'.repeat(6)} > /dev/null`;
/** Its first try says no. */
const secondTime = (name: string): string => `${signs(name)}; test $(ls /ledger/${name}.* | wc -l) -gt 1`;

/**
 * Twelve rows of five stages, each of which needs two of the row before: for their outputs, their files, or only that they passed. Some fail
 * for good, some pass when they are tried again, some have a `done` that does; the last row cleans up. Every command signs a
 * ledger, and the very last stage reads out who has run how often.
 */
const stageAt = (index: number): object => {
  const [row, column] = [Math.floor(index / columns), index % columns];
  const name = nameAt(row, column);
  const common = { img: 'busybox:latest', cache: { ledger: '/ledger' } };
  const [one = '', two = ''] = row === 0 ? [] : [nameAt(row - 1, column), nameAt(row - 1, column + 1)];
  if (index === rows * columns - 1) {
    const others = Array.from({ length: index }, (_, i) => nameAt(Math.floor(i / columns), i % columns));
    return { ...common, finally: others, run: "ls /ledger | sed 's/\\.[^.]*$//' | sort | uniq -c" };
  }
  if (row === rows - 1) return { ...common, finally: [one, two], run: `${signs(name)}; echo cleaned` };
  const says = `seq ${index + 1}; echo ${name} aside >&2`;
  const kind = index % 11;
  if (kind === 3) return { ...common, after: filled(one, two), retry: 3, run: `${says}; ${secondTime(name)}` };
  if (kind === 7 && row > 5) return { ...common, after: [one, two], retry: 2, run: `${says}; ${signs(name)}; false` };
  if (row === 0) return { ...common, run: `${says}; ${signs(name)}; echo ${name} > made` };
  if (kind === 5) {
    const done = `echo is there; ${secondTime(`${name}.done`)}`;
    return { ...common, env: [one], after: two, retry: 3, run: `${says}; ${signs(name)}; mkdir ${name}; echo x > ${name}/x`, done };
  }
  if (index % 3 === 0)
    return { ...common, vol: [one, two], run: `${says}; ${signs(name)}; cp -r ${one} ${two} . 2> /dev/null; find ${one} > made` };
  return { ...common, after: two, run: `wc -l < {${one}}; ${says}; ${signs(name)}; mkdir empty; cp {${one}} copy` };
};

const filled = (...names: readonly string[]): readonly string[] => names.filter((name) => name !== '');

const pipeline = JSON.stringify(
  Object.fromEntries(Array.from({ length: rows * columns }, (_, i) => [nameAt(Math.floor(i / columns), i % columns), stageAt(i)])),
);

/** All that must not depend on when cion was killed. */
const endOf = (node: NodeState) => ({
  name: node.name,
  outcome: node.outcome,
  skip: node.skip,
  attempts:
    node.kind === 'gate'
      ? []
      : node.attempts.map(({ attempt, outcome, cause, because, output, artifacts }) => ({
          attempt,
          outcome,
          cause,
          because,
          output,
          files: artifacts?.files,
        })),
});

const stateOf = async (cwd: string, run: string) => {
  const { out } = await cion(['show', run, '--json'], { cwd, env });
  const events = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent);
  const state = fold(events);
  assert.ok(state !== undefined);
  return { run: state.run, outcome: state.outcome, ends: [...state.nodes.values()].map(endOf) };
};

/** By name, the lines of every log; two streams may come in any order. */
const logsOf = (cwd: string, run: string): Readonly<Record<string, readonly string[]>> => {
  const folder = join(cwd, '.cion', 'run', run);
  const names = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return Object.fromEntries(names.toSorted().map((name) => [name, readFileSync(join(folder, name), 'utf8').split('\n').toSorted()]));
};

describe(`dockercise, kill -9 at random moments (seed ${seed})`, () => {
  it(`ends 60 stages with failures, retries, volumes and clean-ups as if it had not been killed, ${rounds} times`, {
    timeout: 1_200_000,
  }, async (t) => {
    const cwd = repository(t, { 'diamond.dockercise.yaml': pipeline });
    t.after(() => cion(['clean', '--all-projects', '--caches'], { cwd: tmpdir(), env }));
    const began = Date.now();
    const first = await cion(['run', ...how], { cwd, env });
    const took = Date.now() - began;
    assert.equal(first.code, 1, first.err);
    const undisturbed = await stateOf(cwd, '1');
    assert.deepEqual(new Set(undisturbed.ends.map(({ outcome }) => outcome)), new Set(['passed', 'failed', 'skipped']));
    assert.ok(undisturbed.ends.some(({ attempts }) => attempts.length === 2 && attempts[1]?.outcome === 'passed'));
    const ledger = logsOf(cwd, undisturbed.run)[`${nameAt(rows - 1, columns - 1)}.log`] ?? [];
    assert.ok(ledger.some((line) => /^ +2 s\d+-\d\.done$/.test(line)));

    const random = randomFrom(seed);
    let kills = 0;
    for (let round = 0; round < rounds; round++) {
      await cion(['clean', '--caches'], { cwd, env });
      const lives = 2 + Math.floor(random() * 5);
      const run = String(round + 2);
      const moments: number[] = [];
      for (let life = 0; life < lives; life++) {
        const moment = Math.floor((random() * 1.5 * took) / lives);
        moments.push(moment);
        if (await killed(cwd, life === 0 ? ['run', ...how] : ['resume', run, ...how], moment)) kills++;
      }
      const last = await cion(['resume', run, ...how], { cwd, env });
      const where = `round ${round}, killed after ${moments.join(', ')} ms, seed ${seed}\n${last.err}`;
      assert.ok(last.code === 1 || last.err.includes('RUN_FINISHED'), where);
      const resumed = await stateOf(cwd, run);
      assert.deepEqual(resumed.ends, undisturbed.ends, where);
      assert.deepEqual(logsOf(cwd, resumed.run), logsOf(cwd, undisturbed.run), where);
      assert.equal(leftovers(namespace, 'runs'), '', where);
    }
    t.diagnostic(`killed ${kills} times; undisturbed it takes ${took} ms`);
    assert.ok(kills >= rounds);
    await cion(['clean', '--caches'], { cwd, env });
    assert.equal(leftovers(namespace, 'all'), '');
  });
});

/** Kills it so long after it has begun to tell of its run; whether it was still under way. */
const killed = async (cwd: string, args: readonly string[], moment: number): Promise<boolean> => {
  const running = startCion(args, { cwd, env });
  await Promise.race([running.wrote(args[0] === 'run' ? '"run.planned"' : '"run.resumed"'), running.ended]);
  const timer = setTimeout(() => running.process.kill('SIGKILL'), moment);
  const { signal } = await running.ended;
  clearTimeout(timer);
  return signal === 'SIGKILL';
};
