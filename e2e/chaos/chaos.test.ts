import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunEvent } from '../../src/run/run-event.ts';
import { whyNoSecondEngine } from '../../src/runtimes/docker/testing/second-engine.ts';
import { whyNoPostgres } from '../../src/store/sql/testing/postgres-server.ts';
import { repository } from '../repository.ts';
import { type DrivenRun, driveRun, patientlyUntil } from './drive-run.ts';
import { logOf, pipelineOf, stages, witnessed } from './pipeline.ts';
import { scheduleOf, type Victim } from './schedule.ts';
import { openSite, type Site } from './site.ts';

const isAsked = process.env.CION_CHAOS_RUNS !== undefined;
/** So many runs; the kills of that seed again; whether engines are killed too. */
const runs = Number(process.env.CION_CHAOS_RUNS ?? 6);
const seed = Number(process.env.CION_CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const engines = process.env.CION_CHAOS_ENGINES !== '0';
/** Few runs are over soon. */
const few = runs < 20;
const again = `CION_CHAOS_RUNS=${runs} CION_CHAOS_SEED=${seed} CION_CHAOS_ENGINES=${engines ? 1 : 0}`;
const atOnce = 8;
const noticedMs = 15_000;
/** Who stays away for so long is not waited for before the next kill. */
const longAwayMs = 10_000;
const project = 'acme/app';

describe(`a server, its Postgres, three workers and their engines, killed at random (${again})`, {
  timeout: 7_200_000,
  skip: !isAsked ? 'it takes minutes, and is run when CION_CHAOS_RUNS says how many runs' : whyNoPostgres() || whyNoSecondEngine(),
}, () => {
  const undo: (() => void)[] = [];
  let site: Site;
  let driven: readonly DrivenRun[] = [];
  before(async () => {
    site = await openSite(3);
    const path = repository({ after: (one: () => void) => undo.push(one) }, { 'dockercise.yaml': pipelineOf(site.witness) });
    await site.admin.connect(project, path);
  });
  after(async () => {
    await site.close();
    for (const one of undo) one();
  });

  it('notices within its lease that a worker is gone, and its run goes on elsewhere (R-CIO-04, atk-71)', async (t) => {
    const signal = AbortSignal.timeout(120_000);
    const began = Promise.withResolvers<string>();
    const noticed = Promise.withResolvers<{ readonly at: number; readonly worker: string }>();
    let holder: string | undefined;
    const heard = (event: RunEvent): void => {
      if (event.kind === 'stage.preparing' && event.stage === 'left' && event.worker !== undefined) holder = event.worker;
      if (event.kind === 'stage.started' && event.stage === 'left') began.resolve(holder ?? '');
      if (event.kind === 'stage.lost' && event.stage === 'left') noticed.resolve({ at: Date.now(), worker: event.worker });
    };
    const driving = driveRun(site.admin, project, 'lost-worker', { signal, heard });
    const victim = (await began.promise) as Victim;
    await site.kill(victim);
    const killedAt = Date.now();
    const { at, worker } = await noticed.promise;
    await site.start(victim);
    const run = await driving;
    assert.equal(worker, victim);
    assert.ok(at - killedAt <= noticedMs, `noticed after ${at - killedAt} ms`);
    t.diagnostic(`noticed after ${at - killedAt} ms`);
    await checkRun(site, run);
  });

  it(`loses no run, doubles no stage and loses no byte of ${runs} runs (R-CIO-04, atk-71, atk-75)`, async (t) => {
    t.diagnostic(again);
    const signal = AbortSignal.timeout(6_000_000);
    const over = new AbortController();
    const names = Array.from({ length: runs }, (_, index) => `run-${index + 1}`).values();
    const done: DrivenRun[] = [];
    const driving = Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (const name of names) done.push(await driveRun(site.admin, project, name, { signal }));
      }),
    ).finally(() => over.abort());
    const kills = await killOn(site, over.signal, t.diagnostic.bind(t));
    await driving;
    driven = done;
    t.diagnostic(`${kills} kills; ${countsOf(done.flatMap(({ events }) => events))}`);
    for (const { name, endedItself } of [site.server, ...site.workers]) {
      for (const words of endedItself()) t.diagnostic(`${name} ended of itself: ${words}`);
    }
    assert.equal(done.length, runs);
    for (const run of done) await checkRun(site, run);
  });

  it('leaves nothing behind, neither on the engines nor on the disk (atk-79)', async () => {
    assert.equal(driven.length, runs);
    const deadline = Date.now() + 60_000;
    for (
      let left = await leftOf(site, ['--filter', 'label=cion.run']);
      left !== '';
      left = await leftOf(site, ['--filter', 'label=cion.run'])
    ) {
      assert.ok(Date.now() < deadline, `still there a minute later:\n${left}`);
      await pause(500);
    }
    const ends = await Promise.all(site.workers.map((worker) => worker.end()));
    const lastWords = site.workers.map(({ name }) => readFileSync(join(site.directory, `${name}.log`), 'utf8').slice(-3000)).join('\n\n');
    assert.deepEqual(ends, [0, 0, 0], lastWords);
    assert.equal(await leftOf(site, []), '');
    assert.equal(await site.server.end(), 0);
    const folders = ['tmp', 'server/checkouts', 'server/keys', 'worker-1/spool', 'worker-2/spool', 'worker-3/spool'];
    for (const folder of folders.map((name) => join(site.directory, name))) {
      assert.deepEqual(existsSync(folder) ? readdirSync(folder) : [], [], folder);
    }
  });
});

/** Until the signal aborts; then all parts run again. How many there were. */
const killOn = async (site: Site, over: AbortSignal, say: (line: string) => void): Promise<number> => {
  const down = new Map<Victim, Promise<void>>();
  let kills = 0;
  const began = Date.now();
  for (const kill of scheduleOf(seed, site.workers.length, { engines, once: few })) {
    await pause(kill.afterMs, undefined, { signal: over }).catch(() => {});
    if (over.aborted) break;
    if (down.has(kill.victim)) continue;
    kills++;
    say(`${((Date.now() - began) / 1000).toFixed(1)} s: ${kill.victim} for ${kill.downMs} ms`);
    const away = site.carryOut(kill).finally(() => down.delete(kill.victim));
    away.catch(() => {});
    down.set(kill.victim, away);
    if (kill.downMs < longAwayMs) await away;
  }
  await Promise.all(down.values());
  return kills;
};

/** How often what happened, and why attempts did not pass. */
const countsOf = (events: readonly RunEvent[]): string => {
  const counts = new Map<string, number>();
  for (const event of events) {
    if (!/^stage\.(?:started|lost|found|returned|finished)$/.test(event.kind)) continue;
    const cause = event.kind === 'stage.finished' ? event.cause : undefined;
    const why = cause === undefined ? '' : ` ${cause.kind === 'error' ? cause.code : cause.kind}`;
    counts.set(`${event.kind}${why}`, (counts.get(`${event.kind}${why}`) ?? 0) + 1);
  }
  return [...counts].map(([what, count]) => `${what} ${count}`).join(', ');
};

/** A thousand logs are more than one address may ask for in a minute. */
const patiently = patientlyUntil(AbortSignal.timeout(7_200_000), 2000);

/** It has passed; each of its stages ran as often as its events say, and the log of each is what it wrote. */
const checkRun = async ({ admin, witness }: Site, { name, number, events }: DrivenRun): Promise<void> => {
  const told = (): string => `${name}\n${events.map((event) => JSON.stringify(event).slice(0, 300)).join('\n')}`;
  const last = events.at(-1);
  assert.ok(last?.kind === 'run.finished' && last.outcome === 'passed', told());
  for (const stage of stages) {
    const own = events.filter((event) => 'stage' in event && event.stage === stage);
    const started = new Set(own.flatMap((event) => (event.kind === 'stage.started' ? [event.attempt] : [])));
    const queued = own.filter(({ kind }) => kind === 'stage.queued');
    assert.ok(
      queued.every((event, index) => index === 0 || (event.kind === 'stage.queued' && event.because !== undefined)),
      told(),
    );
    const passed = own.flatMap((event) => (event.kind === 'stage.finished' && event.outcome === 'passed' ? [event.attempt] : []));
    assert.equal(passed.length, 1, told());
    const { begins, ends } = witnessed(witness, name, stage);
    assert.ok(begins <= started.size && begins >= 1, `${stage} began ${begins} times in ${started.size} attempts: ${told()}`);
    assert.ok(ends >= 1 && ends <= begins, `${stage} ended ${ends} times: ${told()}`);
    const log = await patiently(async () => (await admin.api.log(project, number, stage, { attempt: passed[0] ?? 0 })).text());
    assert.equal(log, logOf(stage), `the log of ${stage}: ${told()}`);
  }
};

/** What the engines have. */
const leftOf = async ({ engines }: Site, filter: readonly string[]): Promise<string> => {
  const lists = [
    ['ps', '--all', '--format', '{{.Names}}'],
    ['volume', 'ls', '--format', '{{.Name}}'],
    ['network', 'ls', '--filter', 'type=custom', '--format', '{{.Name}}'],
  ];
  const found = await Promise.all(engines.flatMap((engine) => lists.map((list) => engine.docker(...list, ...filter))));
  return found.join('');
};
