import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { apiClient } from '../src/api/client.ts';
import { paths } from '../src/api/paths.ts';
import type { RunJson } from '../src/api/run-json.ts';
import { gitHubExamples } from '../src/server/forges/testing/github-examples.ts';
import { cion } from './cli.ts';
import { type ForkedProject, forkedProject, waiting } from './forked-project.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const project = 'acme/app';
const secret = 'correct-horse-battery-staple-of-acme';
const main = `stages:
  build: { image: busybox, cmd: 'echo "$TOKEN" | sha256sum | grep -q ${sha256(`${secret}\n`)} && echo main >> ~/.kept/who && cat ~/.kept/who', env: { TOKEN: { secret: TOKEN } }, cache: ~/.kept }
`;

describe('runs of forks on a server', { timeout: 600_000 }, () => {
  let acme: ForkedProject;
  before(async () => {
    acme = await forkedProject({ '.cion.yml': main });
    await acme.server.client.setSecret(project, 'TOKEN', {
      kind: 'secret',
      value: secret,
      scope: { pipelines: [], branches: [], environments: [], triggers: [] },
    });
  });
  after(() => acme?.close());

  const audit = async (action: string): Promise<readonly string[]> => {
    const rows = await acme.server.asked<readonly { readonly outcome: string; readonly detail: Readonly<Record<string, string>> }[]>(
      'GET',
      `/api/audit?action=${action}&project=${project}&limit=100`,
    );
    return rows.map(({ outcome, detail }) => [outcome, detail['commit'] ?? '', detail['why'] ?? ''].join(' ').trim());
  };
  const phaseOf = async (number: number) => (await acme.server.client.run(project, number)).phase;
  const as = (token: string) => apiClient({ url: acme.server.url, token });
  const approved = async (number: number): Promise<RunJson> => {
    const { approval } = await waiting(acme.server, number);
    await as(acme.olga.token).decideApproval(project, number, { decision: 'approved', commit: approval?.commit ?? '' });
    return acme.server.ended(project, number);
  };
  const outcomes = ({ nodes }: RunJson): Readonly<Record<string, string>> =>
    Object.fromEntries(nodes.map(({ name, phase, outcome }) => [name, outcome ?? phase]));
  /** Wherever the server has written: its database, results, logs, what it said. */
  const leaked = (text: string): string =>
    execFileSync('sh', ['-c', 'grep -rlaF -- "$1" "$2" || true', 'sh', text, acme.server.data], { encoding: 'utf8' }) +
    (acme.server.said().includes(text) ? 'said' : '');

  it('wait for somebody of the project: no look, stranger, author or smaller token begins one, and what comes next waits again (atk-10, atk-11, atk-12)', async () => {
    const commit = await acme.pull(7, { '.cion.yml': 'build: { image: busybox, cmd: echo of the fork }\n' });
    const run = await waiting(acme.server, 1);
    assert.deepEqual([run.phase, run.approval?.commit, run.fetch.phase], ['waiting', commit, 'queued']);
    const decision = { decision: 'approved', commit } as const;
    const form = paths.approvalForm(project, 1);
    const looks = [
      paths.approval(project, 1),
      `${paths.approval(project, 1)}?decision=approved&commit=${commit}`,
      form,
      `${form}?decision=approved`,
    ];
    for (const path of looks) {
      assert.equal((await acme.server.ask('GET', path)).status, 404, path);
      assert.equal((await acme.olga.get(path, { purpose: 'prefetch', 'sec-purpose': 'prefetch' })).status, 404, path);
    }
    await assert.rejects(as(acme.eve.token).decideApproval(project, 1, decision), { status: 403, code: 'APPROVAL_OWN' });
    assert.equal((await acme.eve.post(paths.approval(project, 1), decision)).body.code, 'APPROVAL_OWN');
    const { body: small } = await acme.olga.post('/api/auth/tokens', { name: 'small', scopes: ['read', 'run'] });
    await assert.rejects(as(small.token).decideApproval(project, 1, decision), { status: 403, code: 'FORBIDDEN' });
    await assert.rejects(apiClient({ url: acme.server.url }).decideApproval(project, 1, decision), { status: 401 });
    await assert.rejects(as(acme.olga.token).decideApproval(project, 1, { ...decision, commit: 'a'.repeat(40) }), {
      code: 'APPROVAL_CHANGED',
    });
    await assert.rejects(as(acme.olga.token).rerun(project, 1, 'all'), { status: 409 });
    assert.deepEqual(
      [await phaseOf(1), acme.containersOf(run.run), await acme.server.client.queue()],
      ['waiting', [], { items: [], hidden: 0 }],
    );

    const remote = { cwd: acme.server.cwd, env: { CION_TOKEN: acme.olga.token, CION_SERVER: acme.server.url, HOME: acme.server.cwd } };
    const why = await cion(['why', '1', '--on', project], remote);
    assert.match(
      why.out,
      new RegExp(`waits for approval.*${commit.slice(0, 12)}.*owner or writer of acme/app whose change it is not`),
      why.err,
    );
    const shown = await cion(['show', '1', '--on', project], remote);
    assert.match(shown.out, /waiting[^]*Approval +Waits for somebody to approve/);
    const unnamed = await cion(['approve', '--on', project], remote);
    assert.deepEqual([unnamed.code, await phaseOf(1)], [2, 'waiting']);
    assert.match(unnamed.err, /Which run\? \[USAGE\]\n +These wait: run 1, of a fork\./);
    const yes = await cion(['approve', '1', '--on', project], remote);
    assert.deepEqual([yes.code, yes.out], [0, `Run 1 is approved: ${commit} of pull request 7 by olga.\n`], yes.err);
    assert.equal((await acme.server.ended(project, 1)).outcome, 'passed');
    assert.equal(await acme.server.text(project, 1, 'build'), 'of the fork\n');
    const again = await cion(['approve', '1', '--on', project], remote);
    assert.notEqual(again.code, 0);

    const next = await acme.pull(7, { '.cion.yml': 'build: { image: busybox, cmd: echo evil }\n' });
    const second = await waiting(acme.server, 2);
    assert.equal(second.approval?.commit, next);
    await assert.rejects(as(acme.olga.token).decideApproval(project, 2, decision), { code: 'APPROVAL_CHANGED' });
    const no = await cion(['reject', '2', '--on', project, '--reason', 'no thanks'], remote);
    assert.equal(no.code, 0, no.err);
    const refused = await acme.server.ended(project, 2);
    assert.deepEqual([refused.outcome, refused.plan, acme.containersOf(refused.run)], ['cancelled', undefined, []]);
    assert.match((await cion(['why', '2', '--on', project], remote)).out, /rejected by olga and has ended: cancelled \(no thanks\)/);

    assert.deepEqual(await audit('approval.asked'), [`done ${next}`, `done ${commit}`]);
    assert.deepEqual(await audit('approval.rejected'), [`done ${next}`]);
    assert.deepEqual(await audit('approval.approved'), [
      `refused ${commit} APPROVAL_CHANGED`,
      `done ${commit}`,
      `refused ${'a'.repeat(40)} APPROVAL_CHANGED`,
      `refused ${commit} APPROVAL_OWN`,
      `refused ${commit} APPROVAL_OWN`,
    ]);
    const told = acme.forge.statuses.filter((status) => status.commit === commit && status.context === 'cion-approval');
    assert.deepEqual(told[0] && [told[0].state, told[0].description], ['pending', 'Run 1 is waiting for approval']);
  });

  it('are approved on their page by a form that no other page can send (atk-12, atk-62)', async () => {
    await acme.pull(8, { '.cion.yml': 'build: { image: busybox, cmd: echo by a form }\n' });
    const { number } = await waiting(acme.server, 3);
    const page = await acme.olga.get(paths.runPage(project, number));
    assert.deepEqual([page.status, page.headers.get('referrer-policy')], [200, 'same-origin']);
    const fields = Object.fromEntries(
      Array.from(String(page.body).matchAll(/<input type="hidden" name="(\w+)" value="([^"]+)">/g), ([, name, value]) => [name, value]),
    );
    const [, action = ''] = /<form method="post" action="([^"]+)">/.exec(page.body) ?? [];
    assert.equal(action, paths.approvalForm(project, number));
    assert.doesNotMatch(await acme.server.ask('GET', paths.runPage(project, number)).then((answer) => answer.text()), /<form/);
    const cookie = Array.from(acme.olga.cookies, ([name, value]) => `${name}=${value}`).join('; ');
    const send = (more: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>) =>
      fetch(new URL(action, acme.server.url), {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ ...fields, decision: 'approved', ...more }).toString(),
      });
    const here = { origin: acme.server.url, 'sec-fetch-site': 'same-origin' };
    for (const [more, headers] of [
      [{}, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
      [{}, { origin: 'null' }],
      [{}, {}],
      [{ page: 'guessed' }, here],
    ] as const) {
      const answer = await send(more, headers);
      assert.deepEqual([answer.status, ((await answer.json()) as { readonly code: string }).code], [403, 'FOREIGN_REQUEST']);
    }
    assert.equal((await send({ commit: 'b'.repeat(40) }, here)).status, 409);
    assert.equal(await phaseOf(number), 'waiting');
    const answer = await send({}, here);
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, paths.runPage(project, number)]);
    assert.equal((await acme.server.ended(project, number)).outcome, 'passed');
    assert.doesNotMatch(String((await acme.olga.get(paths.runPage(project, number))).body), /<form/);
  });

  it('have none of what they ask for, approved or not: secrets, rights, paths of the host, deployments, other triggers (atk-09, atk-13)', async () => {
    await acme.pull(9, { '.cion.yml': main.replace('echo main', 'echo fork') });
    const greedy = await approved(4);
    assert.deepEqual(
      [greedy.outcome, greedy.fetch.problems?.map(({ code, hint }) => [code, hint])],
      ['failed', [['SECRET_MISSING', 'Runs of pull requests from forks are given no secrets.']]],
    );
    assert.deepEqual(acme.containersOf(greedy.run), []);

    await acme.pull(10, {
      '.cion.yml': 'build: { image: busybox, cmd: id }\nservices: { root: { image: busybox, cmd: id, privileged: true } }\n',
    });
    const privileged = await approved(5);
    assert.equal(privileged.outcome, 'errored');
    assert.match(JSON.stringify(privileged.nodes), /PRIVILEGED_REFUSED/);

    const volumes = `root: { img: busybox, run: cat /host/etc/shadow, vol: '/:/host' }\nsocket: { img: busybox, run: id, vol: '/var/run/docker.sock:/s.sock' }\n`;
    await acme.pull(11, { 'a.dockercise.yaml': volumes }, { remove: ['.cion.yml'] });
    const host = await approved(6);
    assert.deepEqual([host.outcome, outcomes(host)], ['errored', { root: 'errored', socket: 'errored' }]);
    assert.equal(JSON.stringify(host.nodes).match(/HOST_PATH_REFUSED/g)?.length, 2);

    await acme.pull(12, { '.cion.yml': 'on: push\ntriggers: [push, schedule]\nbuild: { image: busybox, cmd: id }\n' });
    const triggered = await approved(7);
    assert.deepEqual([triggered.outcome, triggered.plan], ['failed', undefined]);
    assert.deepEqual([triggered.trigger.kind, triggered.trigger.kind === 'pull-request' && triggered.trigger.fork], ['pull-request', true]);

    const deploying = `stages:
  build: { image: busybox, cmd: 'env; cat /proc/1/environ; ls -a ~/.kept; echo poison > ~/.kept/who', cache: ~/.kept }
  look: { image: busybox, needs: build, cmd: 'echo looked; while :; do sleep 0.1; done' }
  release: { image: busybox, needs: build, cmd: 'true', deploys: production }
  told: { image: busybox, needs: release, cmd: 'true' }
`;
    await acme.pull(13, { '.cion.yml': deploying });
    const { approval, run } = await waiting(acme.server, 8);
    await as(acme.olga.token).decideApproval(project, 8, { decision: 'approved', commit: approval?.commit ?? '' });
    await acme.server.until(
      project,
      8,
      (event) => event.kind === 'run.finished' || (event.kind === 'stage.started' && event.stage === 'look'),
    );
    const containers = acme.containersOf(run);
    assert.ok(containers.length > 0);
    const inspected = execFileSync('docker', ['inspect', ...containers], { encoding: 'utf8' });
    assert.equal(inspected.includes(secret), false);
    assert.doesNotMatch(inspected, /docker\.sock|"Privileged": true/);
    await acme.server.client.cancel(project, 8, true);
    const deployed = await acme.server.ended(project, 8);
    assert.deepEqual(outcomes(deployed), { build: 'passed', look: 'cancelled', release: 'skipped', told: 'skipped' });
    assert.deepEqual(await acme.server.client.deployments(project), []);
    const environment = await acme.server.text(project, 8, 'build');
    assert.match(environment, /^PATH=/m);
    assert.doesNotMatch(environment, /TOKEN|cion_|CION_WORKER|SECRET/);

    await acme.push({ a: 'trusted' });
    await acme.server.begun(project, 9);
    const trusted = await acme.server.ended(project, 9);
    assert.equal(trusted.outcome, 'passed', JSON.stringify(trusted.nodes));
    assert.equal(await acme.server.text(project, 9, 'build'), 'main\n', 'nothing of a fork is in the caches of the project');

    const look = `build: { image: busybox, cmd: 'cat ~/.kept/who', cache: ~/.kept }\n`;
    await acme.pull(14, { '.cion.yml': look });
    const seen = await approved(10);
    assert.deepEqual([seen.outcome, await acme.server.text(project, 10, 'build')], ['passed', 'poison\n']);

    assert.equal(leaked(secret), '');
    const asked = await audit('approval.asked');
    for (const { approval: own } of [greedy, privileged, host, triggered, deployed]) assert.ok(asked.includes(`done ${own?.commit}`));
  });

  it('are not begun or approved by a comment, whoever writes it: it is taken, kept and means nothing (atk-14)', async () => {
    await acme.pull(15, { '.cion.yml': 'build: { image: busybox, cmd: id }\n' });
    const { number } = await waiting(acme.server, 11);
    const before = (await acme.server.client.runs(project)).runs.length;
    const approvals = await audit('approval.approved');
    const repository = { id: acme.repositoryId, full_name: project, clone_url: 'https://evil.example/x.git' };
    let sent = 0;
    for (const event of ['issue_comment', 'pull_request_review_comment', 'commit_comment', 'pull_request_review'] as const) {
      const [example] = gitHubExamples(event);
      for (const body of ['/approve', '/run', 'ok to test', `/approve ${number}`, '@cion approve']) {
        for (const sender of [
          { id: 99, login: 'stranger' },
          { id: acme.olga.id, login: 'olga' },
        ]) {
          const said = { body, user: sender };
          await acme.deliver(event, { ...example, repository, sender, comment: said, review: { ...said, state: 'approved' } });
          sent++;
        }
      }
    }
    const results = async () =>
      (
        await acme.server.asked<readonly { readonly event: string; readonly result?: { readonly kind: string; readonly note: string } }[]>(
          'GET',
          paths.deliveries(project),
        )
      ).filter(({ event }) => /comment|review/.test(event));
    for (let all = await results(); all.length < sent || all.some(({ result }) => result === undefined); ) all = await results();
    for (const { result } of await results()) {
      assert.equal(result?.kind, 'ignored');
      assert.match(result?.note ?? '', /comments begin and approve nothing/);
    }
    assert.deepEqual([await phaseOf(number), (await acme.server.client.runs(project)).runs.length], ['waiting', before]);
    assert.deepEqual(await audit('approval.approved'), approvals);
    await acme.server.client.cancel(project, number);
    assert.equal((await acme.server.ended(project, number)).outcome, 'cancelled');
  });

  it('that were rejected are asked about again by who may decide, with a command or the page, and by nobody else (atk-10, atk-62)', async () => {
    const before = (await acme.server.client.runs(project)).runs.length;
    const commit = await acme.pull(18, { '.cion.yml': 'build: { image: busybox, cmd: echo asked again }\n' });
    const [first, second, third] = [before + 1, before + 2, before + 3];
    const reject = async (number: number) => {
      await waiting(acme.server, number);
      await as(acme.olga.token).decideApproval(project, number, { decision: 'rejected', commit });
      await acme.server.ended(project, number);
    };
    await reject(first);
    const { body: small } = await acme.olga.post('/api/auth/tokens', { name: 'runs', scopes: ['read', 'run'] });
    await assert.rejects(as(small.token).askAgain(project, first), { status: 403, code: 'FORBIDDEN' });
    await assert.rejects(apiClient({ url: acme.server.url }).askAgain(project, first), { status: 401 });
    assert.equal((await acme.olga.get(paths.askAgain(project, first))).status, 404);
    const remote = { cwd: acme.server.cwd, env: { CION_TOKEN: acme.olga.token, CION_SERVER: acme.server.url, HOME: acme.server.cwd } };
    assert.match((await cion(['why', String(first), '--on', project], remote)).out, new RegExp(`"cion rerun ${first} --server" asks anew`));
    const asked = await cion(['rerun', String(first), '--on', project], remote);
    assert.deepEqual([asked.code, asked.err], [0, '']);
    assert.match(asked.out, new RegExp(`^Run ${second} is of the same commit.*cion approve ${second}`));
    await reject(second);

    const page = String((await acme.olga.get(paths.runPage(project, second))).body);
    const stamp = /name="page" value="([^"]+)"/.exec(page)?.[1] ?? '';
    assert.match(page, new RegExp(`<form method="post" action="${paths.askAgainForm(project, second)}">[^]*Ask again`));
    assert.doesNotMatch(await (await fetch(new URL(paths.runPage(project, second), acme.server.url))).text(), /<form/);
    const cookie = Array.from(acme.olga.cookies, ([name, value]) => `${name}=${value}`).join('; ');
    const send = (value: string, origin: string) =>
      fetch(new URL(paths.askAgainForm(project, second), acme.server.url), {
        method: 'POST',
        body: new URLSearchParams({ page: value }),
        headers: { cookie, origin, 'sec-fetch-site': origin === acme.server.url ? 'same-origin' : 'cross-site' },
        redirect: 'manual',
      });
    assert.equal((await send('guessed', acme.server.url)).status, 403);
    assert.equal((await send(stamp, 'https://evil.example')).status, 403);
    assert.equal((await acme.server.client.runs(project)).runs.length, second);
    const sent = await send(stamp, acme.server.url);
    assert.deepEqual([sent.status, sent.headers.get('location')], [303, paths.runPage(project, third)]);
    await waiting(acme.server, third);
    await as(acme.olga.token).decideApproval(project, third, { decision: 'approved', commit });
    assert.equal((await acme.server.ended(project, third)).outcome, 'passed');
    assert.equal((await audit('approval.again')).length, 2);
  });

  it('begin by themselves where the owners of the project chose that, and nobody else can choose it', async () => {
    const settings = (token: string, ...args: readonly string[]) =>
      cion(['projects', 'settings', project, ...args], {
        cwd: acme.server.cwd,
        env: { CION_TOKEN: token, CION_SERVER: acme.server.url, HOME: acme.server.cwd },
      });
    assert.match((await settings(acme.olga.token)).out, /Approval of forks +always/);
    const refused = await settings(acme.eve.token, '--approve-forks', 'never');
    assert.match(refused.err, /FORBIDDEN/);
    const chosen = await settings(acme.olga.token, '--approve-forks', 'first-time');
    assert.match(chosen.out, /Approval of forks +first-time/, chosen.err);
    const total = (await acme.server.client.runs(project)).runs.length;
    await acme.pull(16, { '.cion.yml': 'build: { image: busybox, cmd: echo known }\n' });
    await acme.server.begun(project, total + 1);
    const known = await acme.server.ended(project, total + 1);
    assert.deepEqual([known.outcome, known.approval], ['passed', undefined]);
    await acme.pull(17, { '.cion.yml': 'build: { image: busybox, cmd: echo strange }\n' }, { sender: 77 });
    await waiting(acme.server, total + 2);
    await acme.server.client.cancel(project, total + 2);
  });
});
