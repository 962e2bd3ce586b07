import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { newRunId } from '../lib/ids.ts';
import { reference, stage } from '../plan/stage.ts';
import { stamped } from '../run/journal.ts';
import type { Outcome } from '../run/outcome.ts';
import type { RunFact } from '../run/run-event.ts';
import { openJournal } from './journal.ts';
import { journalLine } from './journal-lines.ts';
import { deployedAt, deploymentHistory } from './ledger.ts';
import { findProjectDir, makeProjectDir, runState } from './project-dir.ts';
import { runOfNumber, takeRunNumber } from './run-numbers.ts';
import type { RunSummary } from './run-summary.ts';
import { listRuns, resolveRun, runIds } from './runs.ts';

const start = 1_800_000_000_000;

type Release = { readonly environment: string; readonly commit: string; readonly outcome: Exclude<Outcome, 'skipped'> };

const factsOf = (run: string, number: number, release: Release): readonly RunFact[] => {
  const passed = release.outcome === 'passed';
  const image = { reference: 'shop:1', digest: `sha256:${release.commit}` };
  return [
    { kind: 'run.created', run, number, project: 'shop', trigger: { kind: 'manual', by: 'me' } },
    { kind: 'fetch.finished', source: { commit: release.commit, changedFiles: 0, files: 3, bytes: 30 } },
    {
      kind: 'run.planned',
      digest: 'd',
      plan: {
        version: 1,
        pipeline: 'cion',
        volumes: [],
        nodes: [stage({ name: 'release', image: reference('shop:1'), deploys: { environment: release.environment } })],
      },
    },
    { kind: 'stage.queued', stage: 'release', attempt: 1 },
    {
      kind: 'stage.finished',
      stage: 'release',
      attempt: 1,
      outcome: release.outcome,
      ...(passed ? {} : { cause: { kind: 'exit', code: 1 } }),
    },
    {
      kind: 'deployment.recorded',
      stage: 'release',
      deployment: { environment: release.environment, commit: release.commit, changedFiles: 0, image, at: start + number },
    },
    { kind: 'run.finished', outcome: release.outcome },
  ];
};

const all = async (dir: string): Promise<readonly RunSummary[]> => {
  const runs: RunSummary[] = [];
  for await (const run of listRuns(dir)) runs.push(run);
  return runs;
};

describe('runs on this machine', () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cion-runs-'));
  });
  after(() => rm(root, { recursive: true }));
  const fresh = async () => makeProjectDir(await mkdtemp(join(root, 'project ')));

  const writeRun = async (dir: string, run: string, number: number, release: Release): Promise<void> => {
    await mkdir(runState(dir, run), { recursive: true });
    const lines = stamped(factsOf(run, number, release), 0, start + number).map(journalLine);
    await writeFile(join(runState(dir, run), 'events.jsonl'), lines.join(''));
  };

  it('are kept in a directory that ignores itself and is found from below', async () => {
    const dir = await fresh();
    assert.equal(await readFile(join(dir, '.gitignore'), 'utf8'), '*\n');
    await mkdir(join(dir, '..', 'deep', 'down'), { recursive: true });
    assert.equal(await findProjectDir(join(dir, '..', 'deep', 'down')), dir);
    assert.equal(await makeProjectDir(join(dir, '..')), dir);
    assert.equal(await findProjectDir(root), undefined);
  });

  it('are numbered from 1, without double, by processes at the same moment, each project for itself (R-CIO-58)', async () => {
    const [dir, other] = [await fresh(), await fresh()];
    const script = `import { takeRunNumber } from ${JSON.stringify(new URL('./run-numbers.ts', import.meta.url).href)};
      for (let i = 0; i < 25; i++) console.log(await takeRunNumber(${JSON.stringify(dir)}, process.argv[1] + i));`;
    const processes = ['a', 'b', 'c', 'd'].map((name) =>
      promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script, name]),
    );
    const numbers = (await Promise.all(processes)).flatMap(({ stdout }) => stdout.trim().split('\n').map(Number));
    assert.deepEqual(
      numbers.sort((a, b) => a - b),
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    assert.equal(await takeRunNumber(other, 'x'), 1);
    assert.equal(await takeRunNumber(dir, 'next'), 101);
    assert.equal(await runOfNumber(dir, 101), 'next');
  });

  it('are found by id, by its beginning, by number and by being the last', async () => {
    const dir = await fresh();
    assert.equal((await resolveRun(dir, 'last')).ok, false);
    const ids = ['run_01aaaaaaaa0000000000000000', 'run_01aaaaaaab0000000000000000', 'run_01bbbbbbbb0000000000000000'];
    for (const id of ids) await writeRun(dir, id, await takeRunNumber(dir, id), { environment: 'e', commit: 'c', outcome: 'passed' });
    const [first, second, third] = ids;
    for (const [text, run] of [
      [first, first],
      ['run_01b', third],
      ['01aaaaaaab', second],
      ['#2', second],
      ['3', third],
      ['last', third],
    ] as const) {
      assert.deepEqual(await resolveRun(dir, text ?? ''), { ok: true, value: run });
    }
    const refusal = async (text: string) => {
      const answer = await resolveRun(dir, text);
      return answer.ok ? undefined : answer.problems[0];
    };
    assert.equal((await refusal('run_01a'))?.code, 'RUN_AMBIGUOUS');
    assert.deepEqual(await refusal('lats'), { code: 'RUN_UNKNOWN', message: 'There is no run "lats".', hint: 'Did you mean "last"?' });
    for (const text of ['#9', '', '../x', 'zzz']) assert.equal((await refusal(text))?.code, 'RUN_UNKNOWN');
  });

  it('stay quick to list, and the ledger to ask, after 1,000 of them (R-CIO-18)', async () => {
    const dir = await fresh();
    const ids = Array.from({ length: 1000 }, (_, i) => newRunId(start + i * 1000));
    const releaseOf = (i: number): Release => ({
      environment: i % 2 === 0 ? 'production' : 'staging',
      commit: `commit-${i}`,
      outcome: i > 990 ? 'failed' : 'passed',
    });
    for (const [i, run] of ids.entries()) await writeRun(dir, run, i + 1, releaseOf(i));
    assert.deepEqual(await runIds(dir), ids.toReversed());

    const first = await all(dir);
    assert.deepEqual(
      first.map(({ number }) => number),
      Array.from({ length: 1000 }, (_, i) => 1000 - i),
    );
    for (const run of ids) {
      const journal = join(runState(dir, run), 'events.jsonl');
      await writeFile(journal, ' '.repeat((await stat(journal)).size));
    }
    const again = await all(dir);
    assert.deepEqual(again, first, 'a journal that has not grown is not read again');

    const history = deploymentHistory(again);
    assert.equal(history.length, 991);
    assert.deepEqual(history[0], deployedAt(history, 'production'));
    assert.deepEqual(deployedAt(history, 'production'), {
      environment: 'production',
      commit: 'commit-990',
      changedFiles: 0,
      image: { reference: 'shop:1', digest: 'sha256:commit-990' },
      at: start + 991,
      stage: 'release',
      run: ids[990],
      number: 991,
    });
    assert.equal(deployedAt(history, 'staging')?.commit, 'commit-989');
    assert.equal(deployedAt(history, 'moon'), undefined);
  });

  it('have no deployment of a release that failed, and one when its re-run passed (R-CIO-51)', async () => {
    const dir = await fresh();
    const run = newRunId(start);
    const failed = factsOf(run, 1, { environment: 'production', commit: 'c', outcome: 'failed' });
    const journal = await openJournal(dir, run);
    await journal.append(stamped(failed, 0, start));
    assert.deepEqual(deploymentHistory(await all(dir)), []);
    const deployment = failed.find((fact) => fact.kind === 'deployment.recorded');
    assert.ok(deployment);
    await journal.append(
      stamped(
        [
          { kind: 'run.rerun', stages: ['release'], trigger: { kind: 'manual', by: 'me' } },
          { kind: 'stage.queued', stage: 'release', attempt: 2 },
          { kind: 'stage.finished', stage: 'release', attempt: 2, outcome: 'passed' },
          { ...deployment, deployment: { ...deployment.deployment, at: start + 50 } },
          { kind: 'run.finished', outcome: 'passed' },
        ],
        failed.length,
        start,
      ),
    );
    await journal.close();
    const [summary] = await all(dir);
    assert.equal(summary?.outcome, 'passed');
    assert.equal(deployedAt(deploymentHistory([summary]), 'production')?.at, start + 50);
  });

  it('are listed while they run, and a directory that never ran anything has none', async () => {
    const dir = await fresh();
    const run = newRunId(start);
    const journal = await openJournal(dir, run);
    assert.deepEqual(await all(dir), []);
    await journal.append(stamped(factsOf(run, 1, { environment: 'e', commit: 'c', outcome: 'passed' }).slice(0, 2), 0, start));
    const [summary] = await all(dir);
    assert.deepEqual([summary?.run, summary?.source?.commit, summary?.outcome], [run, 'c', undefined]);
    await journal.close();
    assert.deepEqual(await all(join(root, 'nowhere')), []);
  });
});
