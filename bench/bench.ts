import { availableParallelism } from 'node:os';
import { chain, dockerRuns, independent, runOnDocker, steps } from './docker.ts';
import { chainByEnv } from './dockercise.ts';
import { handedOver, tarToTar } from './hand-over.ts';
import { helpStart } from './help.ts';
import { inTurn, median } from './measure.ts';
import { withLog } from '../src/plan/with-log.ts';
import { dispatches } from './queue.ts';
import { keptLog, plainFile } from './results.ts';
import { schedule } from './schedule.ts';
import { firstContainer, idleMemory, liveReaders } from './server.ts';

/**
 * npm run bench: how fast cion is, as ratios to what `docker run` takes on the same machine in the same minutes. Names as arguments run
 * only these.
 */
const concurrency = Math.max(4, availableParallelism());
const times = 5;

const ms = (value: number): string => `${Math.round(value).toLocaleString('en')} ms`;
const say = (name: string, text: string): void => void process.stdout.write(`${name.padEnd(34)} ${text}\n`);

const benches: Readonly<Record<string, () => Promise<void>>> = {
  chain: async () => {
    const { a, b, ratio } = await inTurn(
      times,
      () => runOnDocker(chain(10, 'true'), concurrency),
      () => dockerRuns(10, 'true', false),
    );
    say('chain of 10 trivial stages', `${ratio.toFixed(2)} × ten docker run   (${ms(a)} : ${ms(b)})`);
  },
  values: async () => {
    const { a, b, ratio } = await inTurn(
      times,
      () => runOnDocker(chainByEnv(10), concurrency),
      () => dockerRuns(10, 'true', false),
    );
    say('10 of dockercise, values by env', `${ratio.toFixed(2)} × ten docker run   (${ms(a)} : ${ms(b)})`);
  },
  files: async () => {
    const [count, bytes] = [20_000, 200_000_000];
    const zips: number[] = [];
    const { a, b, ratio } = await inTurn(
      3,
      async () => {
        const { all, zip } = await handedOver(count, bytes);
        zips.push(zip);
        return all;
      },
      () => tarToTar(count, bytes),
    );
    say(
      '200 MB in 20,000 files handed over',
      `${ratio.toFixed(2)} × tar | tar   (${ms(a)}, of which its zip ${ms(median(zips))} : ${ms(b)})`,
    );
  },
  work: async () => {
    const { a, b } = await inTurn(
      times,
      () => runOnDocker(chain(10, 'sleep 0.3'), concurrency),
      () => dockerRuns(10, 'sleep 0.3', false),
    );
    const once = await inTurn(
      times,
      () => runOnDocker(chain(1, 'sleep 0.3'), concurrency),
      () => dockerRuns(1, 'sleep 0.3', false),
    );
    const perStage = (many: number, one: number): number => (many - one) / 9 - 300;
    say(
      'overhead of a stage of 300 ms',
      `${ms(perStage(a, once.a))} in a chain; docker run ${ms(perStage(b, once.b))}; a run of one stage ${once.ratio.toFixed(2)} × docker run`,
    );
  },
  parallel: async () => {
    const { a, b, ratio } = await inTurn(
      times,
      () => runOnDocker(independent(20, 'sleep 0.2'), concurrency),
      () => dockerRuns(20, 'sleep 0.2', true),
    );
    say('20 independent stages of 0.2 s', `${ratio.toFixed(2)} × 20 docker run at once   (${ms(a)} : ${ms(b)})`);
  },
  log: async () => {
    const script = `yes ${'x'.repeat(81)} | head -c 200000000`;
    for (const log of ['kept', 'live'] as const) {
      const { a, b, ratio } = await inTurn(
        3,
        () => runOnDocker(withLog(chain(1, script), log), concurrency),
        () => dockerRuns(1, script, false),
      );
      say(`200 MB of log on disk, log: ${log}`, `${(1 / ratio).toFixed(2)} × as fast as docker run   (${ms(a)} : ${ms(b)})`);
    }
  },
  results: async () => {
    const { a, b, ratio } = await inTurn(
      3,
      () => keptLog(6400),
      () => plainFile(6400),
    );
    say('200 MB of log kept as results', `${ratio.toFixed(2)} × a plain file   (${ms(a)} : ${ms(b)})`);
  },
  steps: async () => {
    const { a, b } = await inTurn(
      times,
      () => runOnDocker(steps(10, 'true'), concurrency),
      () => runOnDocker(steps(1, 'true'), concurrency),
    );
    say('one stage of 10 steps', `${ms(a)}; of 1 step ${ms(b)}; a further step ${((a - b) / 9).toFixed(1)} ms`);
    const many = median([await runOnDocker(steps(1000, 'true'), concurrency), await runOnDocker(steps(1000, 'true'), concurrency)]);
    say('one stage of 1,000 steps', `${ms(many)}; a further step ${((many - b) / 999).toFixed(1)} ms`);
  },
  help: async () => {
    const { compiled, node } = await helpStart(times);
    say('cion --help, compiled', `${ms(compiled)} (Node alone ${ms(node)})`);
  },
  queue: async () => {
    for (const [kind, name] of [
      ['postgres', 'Postgres'],
      ['embedded', 'PGlite'],
    ] as const) {
      const { perSecond, claimP50, claimP99 } = await dispatches(kind, 5_000, 10);
      say(
        `dispatches on ${name}, 10 workers`,
        `${Math.round(perSecond).toLocaleString('en')} a second; a claim ${claimP50.toFixed(1)} ms, of a hundred the slowest ${claimP99.toFixed(1)} ms`,
      );
    }
  },
  server: async () => {
    const { p50, p95, parts, dockerRun } = await firstContainer(20);
    say('a webhook to the first container', `p50 ${ms(p50)}, p95 ${ms(p95)}   (docker run ${ms(dockerRun)})`);
    say(
      '  of that',
      Object.entries(parts)
        .map(([kind, took]) => `${kind} ${ms(took)}`)
        .join(', '),
    );
    const read = await liveReaders(500, 12_500);
    say(
      '500 live readers of 1 MB of log',
      `${read.seconds.toFixed(1)} s for ${Math.round(read.megabytes)} MB, ${read.wrong} read other bytes; the server has ${Math.round(read.before)} MB, at most ${Math.round(read.most)} MB`,
    );
    say(
      'memory of an idle server',
      `${Math.round(await idleMemory('embedded'))} MB with PGlite, ${Math.round(await idleMemory('postgres'))} MB with Postgres`,
    );
  },
  schedule: async () => {
    for (const stages of [1_000, 10_000, 100_000]) {
      const took = median([await schedule(stages), await schedule(stages), await schedule(stages)]);
      say(`scheduling ${stages.toLocaleString('en')} stages`, `${ms(took)} (${((took / stages) * 1000).toFixed(0)} µs a stage)`);
    }
  },
};

const wanted = process.argv.slice(2);
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length === 0 || wanted.includes(name)) await bench();
}
