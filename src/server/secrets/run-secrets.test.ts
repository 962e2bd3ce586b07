import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { stagesOf } from '../../plan/stage.ts';
import type { Trigger } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import { newIdentity, recipientOf, seal } from '../../secrets/age.ts';
import { SealError, sealerOf } from '../../secrets/sealer.ts';
import { defaultSettings } from '../../store/projects.ts';
import type { RunRequest } from '../runs/begin-run.ts';
import { beginning } from '../runs/testing/beginning.ts';
import type { WantedSecret } from './project-secrets.ts';
import { runSecrets } from './run-secrets.ts';

const by = 'ada';
const main = 'refs/heads/main';
const push: Trigger = { kind: 'push', by, ref: main };
const fork: Trigger = { kind: 'pull-request', by: 'eve', number: 7, ref: main, fork: true };
const neverAsks = { settings: { ...defaultSettings, approveForks: 'never' } } as const;
const everywhere = { pipelines: [], branches: [], environments: [], triggers: [] };

const wants = `build:
  image: busybox
  run: make
  env: { TOKEN: { secret: TOKEN } }
`;
const releases = `build: { image: busybox, run: make }
release:
  image: busybox
  run: ship
  env: { KEY: { secret: KEY } }
`;

describe('what a run of a server is given', () => {
  const started = (t: TestContext) => {
    const server = beginning(t, { project: neverAsks });
    server.start();
    const put = (name: string, value: string, more: Partial<WantedSecret> = {}) =>
      server.projectSecrets.put({ project: 'acme/app', name, kind: 'secret', value, by, scope: everywhere, ...more });
    const run = async (request: Partial<RunRequest> = {}): Promise<RunState> =>
      server.settled((await server.beginRun({ project: 'acme/app', trigger: push, ref: main, ...request })).run);
    const given = (state: RunState, name: string) => {
      const stage = stagesOf(state.plan ?? { version: 1, pipeline: '', nodes: [], volumes: [] }).find((one) => one.name === name);
      assert.ok(stage, state.fetch.message);
      return server.secrets.outsideOf(state, stage);
    };
    return { ...server, put, run, given, server };
  };
  const problemsOf = ({ fetch }: RunState) => fetch.problems?.map(({ code, hint }) => [code, hint]);

  it('is only what the text of the stage names; variables of the request go before those of the project', async (t) => {
    const { commit, put, run, given } = started(t);
    commit({
      '.cion.yml':
        'build:\n  image: busybox\n  run: make\n  env: { A: { outside: A }, B: { outside: B }, C: { secret: C } }\ntest: { image: busybox, run: x }\n',
    });
    await put('A', 'of the project', { kind: 'variable' });
    await put('B', 'of the project too', { kind: 'variable' });
    await put('C', 'a secret');
    await put('OTHER', 'another secret');
    const state = await run({ variables: { A: 'of the request' } });
    assert.deepEqual(await given(state, 'build'), {
      variables: { A: 'of the request', B: 'of the project too' },
      secrets: { C: 'a secret' },
      encrypted: {},
      redact: ['a secret'],
    });
    assert.deepEqual(await given(state, 'test'), { variables: {}, secrets: {}, encrypted: {}, redact: ['a secret'] });
  });

  it('has no secret when it is a pull request from a fork, which then ends with the reason and does not deploy (atk-13)', async (t) => {
    const { commit, put, run } = started(t);
    await put('TOKEN', 'of the project', { scope: { ...everywhere, triggers: ['pull-request'] } });
    await put('KEY', 'of the project', { scope: { ...everywhere, environments: ['production'] } });
    const [greedy, releasing] = [commit({ '.cion.yml': wants }), commit({ '.cion.yml': releases })];
    const refusedRun = await run({ commit: greedy, trigger: fork });
    assert.deepEqual(problemsOf(refusedRun), [['SECRET_MISSING', 'Runs of pull requests from forks are given no secrets.']]);
    const state = await run({ commit: releasing, trigger: fork });
    assert.deepEqual([...(state.only ?? [])], ['build']);
    const trusted = await run({ commit: releasing });
    assert.equal(trusted.only, undefined);
  });

  it('leaves out a secret that is limited to pushes when the same commit runs for another reason (atk-41)', async (t) => {
    const { commit, put, run, given } = started(t);
    await put('TOKEN', 'of the project', { scope: { ...everywhere, triggers: ['push'] } });
    const head = commit({ '.cion.yml': wants });
    assert.deepEqual((await given(await run({ commit: head }), 'build')).secrets, { TOKEN: 'of the project' });
    const others: readonly Trigger[] = [
      { kind: 'manual', by },
      { kind: 'schedule', by, schedule: 'nightly', at: 0 },
      { kind: 'tag', by, ref: main },
      { kind: 'pull-request', by, number: 7, ref: main, fork: false },
    ];
    for (const trigger of others) {
      const hint = 'The project has it, but its limits keep it from this run or this stage.';
      assert.deepEqual(problemsOf(await run({ commit: head, trigger })), [['SECRET_MISSING', hint]], trigger.kind);
    }
  });

  it("takes a branch from nobody's word: a commit that is not the newest of it is on none, unless it was pushed there (atk-41)", async (t) => {
    const { commit, put, run } = started(t);
    await put('TOKEN', 'of the project', { scope: { ...everywhere, branches: ['main'] } });
    const old = commit({ '.cion.yml': wants });
    const tip = commit({ 'a.txt': 'a' });
    const manual: Trigger = { kind: 'manual', by, ref: main };
    const phases = await Promise.all([run({ commit: tip, trigger: manual }), run({ commit: old, trigger: manual }), run({ commit: old })]);
    assert.deepEqual(
      phases.map(({ outcome }) => outcome),
      [undefined, 'failed', undefined],
    );
  });

  it('keeps what was replaced masked in the runs that may know it, and gives the new value (atk-39)', async (t) => {
    const { commit, put, run, given, server } = started(t);
    await put('TOKEN', 'the first value');
    commit({ '.cion.yml': wants });
    const state = await run();
    await put('TOKEN', 'the second value');
    const { secrets, redact } = await given(state, 'build');
    assert.deepEqual(secrets, { TOKEN: 'the second value' });
    assert.deepEqual([...redact].toSorted(), ['the first value', 'the second value']);
    await server.projectSecrets.forget(state.createdAt);
    assert.equal((await given(state, 'build')).redact.length, 2);
    await put('TOKEN', 'the third value', { scope: { ...everywhere, triggers: ['tag'] } });
    await assert.rejects(given(state, 'build'), { code: 'SECRET_GONE' });
    await put('TOKEN', 'the fourth value');
    assert.equal((await given(state, 'build')).redact.length, 4);
    await server.projectSecrets.forget(undefined);
    assert.deepEqual((await given(state, 'build')).redact, ['the fourth value']);
    await server.projectSecrets.remove('acme/app', 'TOKEN');
    await assert.rejects(given(state, 'build'), { code: 'SECRET_GONE' });
  });

  it('is nothing at all when it cannot be read: an error with a name, and no empty value (atk-40)', async (t) => {
    const { commit, put, run, server } = started(t);
    await put('TOKEN', 'correct horse');
    commit({ '.cion.yml': wants });
    const state = await run();
    const other = runSecrets({ secrets: server.kept, requests: server.requests, sealer: sealerOf([randomBytes(32)]) });
    const [build] = stagesOf(state.plan ?? { version: 1, pipeline: '', nodes: [], volumes: [] });
    assert.ok(build);
    await assert.rejects(other.outsideOf(state, build), (error: unknown) => error instanceof SealError && !error.message.includes('horse'));
    const [kept] = await server.kept.list('acme/app');
    assert.ok(kept);
    await server.kept.put({ ...kept, id: 'moved', name: 'OTHER' });
    commit({ '.cion.yml': wants.replaceAll('TOKEN', 'OTHER') });
    const moved = await run();
    assert.equal(moved.outcome, 'errored');
    assert.match(moved.fetch.message ?? '', /secret\/acme\/app\/OTHER\/moved cannot be read/);
  });

  it('has what stands encrypted in the repository, with the identity of the project, unless it is from a fork (atk-13)', async (t) => {
    const { commit, put, run, given } = started(t);
    const identity = await newIdentity();
    const recipients = [(await recipientOf(identity)) ?? ''];
    const cipher = await seal('in the text', recipients);
    const indented = cipher.trimEnd().replaceAll('\n', '\n        ');
    commit({
      '.cion.yml': `build:\n  image: busybox\n  run: make\n  env:\n    TOKEN: { secret: TOKEN }\n    OTHER:\n      encrypted: |\n        ${indented}\n`,
      '.cion.secrets.age': await seal('TOKEN="in the file"\n', recipients),
    });
    const without = await run();
    assert.deepEqual([...new Set(problemsOf(without)?.map(([code]) => code))], ['SECRET_KEY_MISSING']);
    await put('AGE', identity, { kind: 'identity' });
    const state = await run();
    const { secrets, encrypted, redact } = await given(state, 'build');
    assert.deepEqual(secrets, { TOKEN: 'in the file' });
    assert.deepEqual(Object.values(encrypted), ['in the text']);
    assert.deepEqual([...redact].toSorted(), ['in the file', 'in the text']);
    const forked = await run({ trigger: fork });
    assert.deepEqual(
      new Set(problemsOf(forked)?.map(([, hint]) => hint)),
      new Set(['Runs of pull requests from forks are given no secrets.']),
    );
  });

  it('is in no event, no log and no message of a run, whatever ends it (atk-35)', async (t) => {
    const { commit, put, run, server } = started(t);
    await put('TOKEN', 'hunter-2-hunter');
    await put('NOT', 'hunter-3-hunter', { kind: 'variable' });
    const texts = [
      wants,
      `${wants}  nonsense: 1\n`,
      wants.replaceAll('TOKEN', 'MISSING'),
      `${wants}release: { image: busybox, run: x, env: { A: { secret: NONE } } }\n`,
    ];
    for (const each of texts) {
      commit({ '.cion.yml': each });
      const state = await run();
      const log = await server.results.open(state.run, 'fetch.log');
      const told = `${JSON.stringify(await server.runs.events(state.run, 0))}${log === undefined ? '' : await text(log)}${JSON.stringify(await server.requests.of(state.run))}`;
      assert.doesNotMatch(told, /hunter/);
    }
    assert.deepEqual(server.warnings, []);
  });
});
