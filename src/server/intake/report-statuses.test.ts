import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { virtualClock, type VirtualClock } from '../../lib/virtual-clock.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { ApprovalState, RunState } from '../../run/run-state.ts';
import { defaultSettings, type Project } from '../../store/projects.ts';
import type { RunRow } from '../../store/run-store.ts';
import { gitHubForge } from '../forges/testing/github-forge.ts';
import type { ForgeStandIn } from '../forges/testing/forge-stand-in.ts';
import type { StandInAnswer } from '../forges/testing/stand-in-server.ts';
import { reportStatuses } from './report-statuses.ts';

const commit = 'c'.repeat(40);
/** How long a forge has to answer. */
const answerMs = 15_000;

describe('statuses of commits', () => {
  let forge: ForgeStandIn;
  let clock: VirtualClock;
  let stop: AbortController;
  let project: Project;
  const rows = new Map<string, RunRow>();
  const states = new Map<string, RunState>();
  const warnings: string[] = [];
  const waits: number[] = [];
  let watcher: (events: readonly RunEvent[], state: RunState) => void;
  /** Each answer of the forge to a status. */
  let answered: EventTarget;
  let answers: StandInAnswer[];

  beforeEach(async () => {
    forge = await gitHubForge();
    clock = virtualClock({ startAt: 1_800_000_000_000 });
    stop = new AbortController();
    answered = new EventTarget();
    answers = [];
    rows.clear();
    states.clear();
    warnings.length = 0;
    waits.length = 0;
    const repository = forge.add('ada/app', { admins: ['ada'] });
    project = {
      name: 'ada/app',
      cloneUrl: '',
      defaultBranch: 'main',
      visibility: 'private',
      webhookSecret: '',
      settings: defaultSettings,
      createdAt: 0,
      forge: { kind: 'github', url: forge.url, repository, account: 'ada' },
    };
    forge.server.route('POST', '/repos/ada/app/statuses/:sha', ({ body, params }) => {
      const answer = answers.shift() ?? { status: 201, body: {} };
      const { state, context, description, target_url: url } = JSON.parse(body.toString());
      if (answer.status === 201) forge.statuses.push({ repository, commit: params.sha ?? '', state, context, description, url });
      setImmediate(() => answered.dispatchEvent(new Event('answer')));
      return answer;
    });
  });
  afterEach(async () => {
    stop.abort();
    await forge.server.close();
  });

  const waiting: VirtualClock['after'] = (ms, callback) => {
    waits.push(ms);
    return clock.after(ms, callback);
  };
  const begin = () => {
    reportStatuses(
      {
        dispatcher: {
          state: async (run) => states.get(run),
          watch: (_run, listener) => {
            watcher = listener;
            return () => undefined;
          },
        },
        runs: {
          list: async ({ run, finished, finishedAfter }) =>
            [...rows.values()].filter(
              (row) =>
                (run === undefined || row.run === run) &&
                (finished === undefined || (row.phase === 'finished') === finished) &&
                (finishedAfter === undefined || (row.finishedAt ?? 0) > finishedAfter),
            ),
        },
        projects: { get: async () => project },
        apiOf: async () => forge.open({ url: forge.url, token: forge.token('ada'), clock: { now: clock.now, after: waiting } }),
        pageOf: ({ project: name, number }) => `https://cion.example/${name}/${number}`,
        clock: { now: clock.now, after: waiting },
        warn: (text) => void warnings.push(text),
      },
      stop.signal,
    );
  };
  const row = (run: string, more: Partial<RunRow> = {}): void => {
    rows.set(run, {
      run,
      project: 'ada/app',
      number: 12,
      pipeline: 'build',
      phase: 'running',
      commit,
      lastSeq: 1,
      createdAt: 0,
      trigger: { kind: 'manual', by: 'ada' },
      ...more,
    });
  };
  const happens = (kind: RunEvent['kind'], run = 'r') => watcher([{ kind } as RunEvent], { run } as RunState);
  const told = async (count: number): Promise<readonly string[]> => {
    while (forge.statuses.length < count) await once(answered, 'answer');
    return forge.statuses.map(({ state }) => state);
  };

  it('are told when a run begins and when it ends, with its page and nothing of what is in it', async () => {
    begin();
    row('r', { digest: 'd' });
    happens('run.planned');
    await told(1);
    for (const kind of ['stage.started', 'stage.noted', 'stage.finished'] as const) happens(kind);
    row('r', { phase: 'finished', outcome: 'failed', subject: 'a secret subject' });
    happens('run.finished');
    await told(2);
    const status = { repository: project.forge?.repository, commit, context: 'cion/build', url: 'https://cion.example/ada/app/12' };
    assert.deepEqual(forge.statuses, [
      { ...status, state: 'pending', description: 'Run 12 has begun' },
      { ...status, state: 'failure', description: 'Run 12 failed' },
    ]);
  });

  it('say that the run of a fork is waiting for approval, and what became of it, apart from how it ended', async () => {
    const trigger = { kind: 'pull-request', by: 'eve', number: 7, ref: 'refs/pull/7/head', fork: true } as const;
    const approval = { commit, askedAt: 1, until: 2 };
    const decided = (kind: 'approved' | 'rejected' | 'expired') => ({ ...approval, decision: { kind, by: 'ada', at: 1 } });
    const is = (run: string, own: ApprovalState, more: Partial<RunRow>): void => {
      row(run, { trigger, pipeline: '', ...more });
      states.set(run, { run, number: 12, phase: more.phase, approval: own } as RunState);
    };
    begin();
    is('r', approval, { phase: 'waiting' });
    happens('approval.asked');
    await told(1);
    is('r', decided('approved'), { phase: 'queued' });
    happens('approval.decided');
    await told(2);
    is('r', decided('approved'), { phase: 'finished', outcome: 'passed', pipeline: 'build', digest: 'd' });
    happens('run.finished');
    await told(4);
    is('s', decided('rejected'), { phase: 'finished', outcome: 'cancelled' });
    happens('run.finished', 's');
    await told(5);
    is('t', decided('expired'), { phase: 'finished', outcome: 'cancelled' });
    happens('run.finished', 't');
    await told(6);
    is('u', approval, { phase: 'finished', outcome: 'cancelled' });
    happens('run.finished', 'u');
    await told(7);
    assert.deepEqual(
      forge.statuses.map(({ context, state, description }) => [context, state, description]),
      [
        ['cion-approval', 'pending', 'Run 12 is waiting for approval'],
        ['cion-approval', 'success', 'Run 12 was approved'],
        ['cion-approval', 'success', 'Run 12 was approved'],
        ['cion/build', 'success', 'Run 12 passed'],
        ['cion-approval', 'error', 'Run 12 was rejected'],
        ['cion-approval', 'error', 'Run 12 was not approved in time'],
        ['cion-approval', 'error', 'Run 12 was cancelled'],
      ],
    );
  });

  it('of a run that ended before it was planned are told too', async () => {
    begin();
    row('r', { phase: 'finished', outcome: 'errored' });
    happens('run.finished');
    assert.deepEqual(await told(1), ['error']);
  });

  it('are told again with growing pauses when the forge fails, and the newest alone in the end', async () => {
    begin();
    answers = [{ status: 500 }, { status: 502 }, { status: 503 }];
    row('r', { digest: 'd' });
    happens('run.planned');
    for (const [i, pause] of [1000, 2000, 4000].entries()) {
      assert.equal((await pausesUntil(i + 1)).at(-1), pause);
      if (pause === 4000) {
        row('r', { phase: 'finished', outcome: 'passed' });
        happens('run.finished');
      }
      await clock.advance(pause);
    }
    assert.deepEqual(await told(1), ['success']);
    assert.deepEqual(warnings, []);
  });

  /** What was waited for between tries, once there are so many. */
  const pausesUntil = async (count: number): Promise<readonly number[]> => {
    const pauses = () => waits.filter((ms) => ms !== answerMs);
    while (pauses().length < count) await new Promise((resolve) => setImmediate(resolve));
    return pauses();
  };

  it('wait as long as a forge says that is asked too often', async () => {
    begin();
    answers = [{ status: 429, headers: { 'retry-after': '60' } }];
    row('r', { digest: 'd' });
    happens('run.planned');
    assert.deepEqual(await pausesUntil(1), [60_000]);
    await clock.advance(59_000);
    assert.equal(forge.statuses.length, 0);
    await clock.advance(1000);
    assert.deepEqual(await told(1), ['pending']);
  });

  it('are not told again when the forge will not have them, and others are told meanwhile', async () => {
    begin();
    answers = [{ status: 422 }];
    row('r', { digest: 'd' });
    happens('run.planned');
    await once(answered, 'answer');
    row('other', { number: 13, digest: 'd' });
    happens('run.planned', 'other');
    await told(1);
    await clock.advance(3_600_000);
    assert.deepEqual(
      forge.statuses.map(({ description }) => description),
      ['Run 13 has begun'],
    );
    assert.equal(warnings.length, 1);
    assert.equal(warnings[0]?.includes(forge.token('ada')), false);
  });

  it('of runs that a server before has left are told when the next one begins', async () => {
    row('ended', { phase: 'finished', outcome: 'passed', finishedAt: clock.now() - 60_000 });
    row('long ago', { phase: 'finished', outcome: 'failed', finishedAt: clock.now() - 3_600_000 });
    row('open', { number: 14, digest: 'd' });
    row('not planned', { number: 15 });
    begin();
    await told(2);
    assert.deepEqual(forge.statuses.map(({ state }) => state).sort(), ['pending', 'success']);
  });

  it('are not told to a repository that is gone', async () => {
    project = { ...project, forge: { ...(project.forge as NonNullable<Project['forge']>), goneAt: 1 } };
    begin();
    row('r', { digest: 'd' });
    happens('run.planned');
    await settled();
    assert.equal(forge.server.requests.length, 0);
  });

  const settled = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
});
