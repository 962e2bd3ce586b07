import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { paths } from '../src/api/paths.ts';
import type { RunJson } from '../src/api/run-json.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/** With one slot: what waits for somebody would keep it from all others. */
describe('what people and other pipelines do with the runs of a server', { timeout: 240_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startServer({ args: ['--slots', '1'] });
  });
  after(() => server.close());

  const outcomes = ({ nodes }: RunJson): Readonly<Record<string, string>> =>
    Object.fromEntries(nodes.map(({ name, phase, outcome }) => [name, outcome ?? phase]));
  const opened = async (project: string, number: number): Promise<RunJson> => {
    await server.until(project, number, ({ kind }) => kind === 'gate.opened');
    return server.client.run(project, number);
  };
  const gateOf = ({ nodes }: RunJson) => {
    const gate = nodes.find(({ kind, phase }) => kind === 'gate' && phase !== 'waiting');
    assert.ok(gate?.kind === 'gate');
    return gate;
  };
  const decide = async (project: string, run: RunJson, decision: 'approved' | 'rejected', reason?: string): Promise<void> => {
    const { name, openedAt = 0 } = gateOf(run);
    await server.client.decide(project, run.number, name, {
      decision,
      digest: run.digest ?? '',
      openedAt,
      ...(reason === undefined ? {} : { reason }),
    });
  };

  it('a pipeline after a human-click waits for it and holds no worker; a click starts it, and who and when is kept (R-DCO-35, R-DCO-36)', async () => {
    const clicked = await server.project('acme/clicked', {
      'a.dockercise.yaml': 'after: human-click\nbuild: { img: busybox, run: echo built }\n',
    });
    const other = await server.project('acme/other', { 'a.dockercise.yaml': 'build: { img: busybox, run: echo other }\n' });
    await clicked.push('main');
    await server.begun('acme/clicked', 1);
    const waiting = await opened('acme/clicked', 1);
    await other.push('main');
    await server.begun('acme/other', 1);
    assert.equal((await server.ended('acme/other', 1)).outcome, 'passed');
    assert.deepEqual(outcomes(await server.client.run('acme/clicked', 1)), { ...outcomes(waiting), build: 'waiting' });
    assert.deepEqual(await server.client.queue(), { items: [], hidden: 0 });
    const before = Date.now();
    await decide('acme/clicked', waiting, 'approved');
    const ended = await server.ended('acme/clicked', 1);
    assert.equal(ended.outcome, 'passed');
    const { decision } = gateOf(ended);
    assert.deepEqual([decision?.kind, decision?.by], ['approved', 'ada']);
    assert.ok(decision !== undefined && decision.at >= before && decision.at <= Date.now());
  });

  it('a human-click before one stage may be refused, and may be over in time: then that stage never runs (R-DCO-37)', async () => {
    const file = (gate: string): string =>
      `build: { img: busybox, run: echo built }\nrelease: { img: busybox, after: [build, ${gate}], run: echo out }\n`;
    const project = await server.project('acme/stages', { 'a.dockercise.yaml': file('human-click') });
    await project.push('main');
    await server.begun('acme/stages', 1);
    const waiting = await opened('acme/stages', 1);
    assert.deepEqual([outcomes(waiting)['build'], outcomes(waiting)['release']], ['passed', 'waiting']);
    await decide('acme/stages', waiting, 'rejected', 'not today');
    const refused = await server.ended('acme/stages', 1);
    assert.deepEqual([refused.outcome, outcomes(refused)['release']], ['failed', 'skipped']);
    assert.deepEqual([gateOf(refused).decision?.by, gateOf(refused).decision?.reason], ['ada', 'not today']);
    project.commit({
      'a.dockercise.yaml': file('human-click: { timeout: 1s }').replace(
        '[build, human-click: { timeout: 1s }]',
        '[build, { human-click: { timeout: 1s } }]',
      ),
    });
    await project.push('main');
    await server.begun('acme/stages', 2);
    const late = await server.ended('acme/stages', 2);
    assert.deepEqual([late.outcome, outcomes(late)['release'], gateOf(late).decision?.kind], ['failed', 'skipped', 'expired']);
  });

  it('a run of one stage that somebody asks for runs what it needs and nothing else, and says who asked (R-DCK-84, R-DCK-85)', async () => {
    const project = await server.project('acme/pruned', {
      'a.dockercise.yaml': `
a: { img: busybox, run: echo a }
b: { img: busybox, after: a, run: echo b }
c: { img: busybox, after: b, run: echo c }
d: { img: busybox, after: a, run: echo d }
`,
    });
    await project.push('main');
    await server.begun('acme/pruned', 1);
    await server.ended('acme/pruned', 1);
    const { number } = await server.client.begin('acme/pruned', { stages: ['b'] });
    const run = await server.ended('acme/pruned', number);
    assert.deepEqual([run.outcome, run.trigger.kind, run.trigger.by], ['passed', 'manual', 'ada']);
    const started = (await server.client.events('acme/pruned', number)).flatMap((event) =>
      event.kind === 'stage.started' ? [event.stage] : [],
    );
    assert.deepEqual(started, ['a', 'b']);
  });

  it('a pipeline that turned green begins the one that waits for it once, also when the server dies in between (R-DCK-87, R-DCK-88)', async () => {
    const up = await server.project('acme/up', { 'a.dockercise.yaml': 'a: { img: busybox, run: echo a }\n' });
    const down = await server.project('acme/down', { 'a.dockercise.yaml': 'b: { img: busybox, run: echo b }\n' });
    await server.asked('POST', `${paths.project('acme/down')}/upstreams`, { after: { project: 'acme/up' } });
    await down.push('main');
    await server.begun('acme/down', 1);
    await server.ended('acme/down', 1);
    await up.push('main');
    await server.begun('acme/up', 1);
    await server.ended('acme/up', 1);
    await server.begun('acme/down', 2);
    const { trigger, outcome } = await server.ended('acme/down', 2);
    assert.deepEqual([trigger.kind, outcome], ['pipeline', 'passed']);
    await server.kill();
    await server.start();
    up.commit({ 'a.dockercise.yaml': 'a: { img: busybox, run: exit 1 }\n' });
    await up.push('main');
    await server.begun('acme/up', 2);
    assert.equal((await server.ended('acme/up', 2)).outcome, 'failed');
    up.commit({ 'a.dockercise.yaml': 'a: { img: busybox, run: echo again }\n' });
    await up.push('main');
    await server.begun('acme/up', 3);
    await server.ended('acme/up', 3);
    await server.begun('acme/down', 3);
    await server.ended('acme/down', 3);
    const { runs } = await server.client.runs('acme/down');
    const of = (number: number) => server.client.run('acme/up', number).then(({ run }) => run);
    assert.deepEqual(
      runs.map((row) => (row.trigger.kind === 'pipeline' ? row.trigger.run : row.trigger.kind)),
      [await of(3), await of(1), 'push'],
    );
  });

  it('a secret reaches the stage that asks for it, and is nowhere else: not in logs, events, documents, on the disk, or in a command line (atk-35)', async () => {
    const secret = `s3cr3t-${createHash('sha256').update(server.token).digest('hex').slice(0, 24)}`;
    const project = await server.project('acme/secret', {
      '.cion.yml': `stages:
  use:
    image: busybox
    env: { TOKEN: { secret: TOKEN } }
    run: |
      printf %s "$TOKEN" | sha256sum
      echo "it is $TOKEN"
      echo "it is $TOKEN" >&2
  other: { image: busybox, needs: use, env: { SAID: { output: use } }, run: 'printf %s "$SAID" | wc -l; echo "TOKEN=$TOKEN"' }
`,
    });
    await server.asked('PUT', `${paths.project('acme/secret')}/secrets/TOKEN`, { value: secret });
    const shown = await server.asked<readonly { readonly name: string }[]>('GET', `${paths.project('acme/secret')}/secrets`);
    assert.deepEqual(
      shown.map(({ name }) => name),
      ['TOKEN'],
    );
    await project.push('main');
    await server.begun('acme/secret', 1);
    await server.until('acme/secret', 1, (event) => event.kind === 'stage.started');
    const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
    const run = await server.ended('acme/secret', 1);
    assert.equal(run.outcome, 'passed');
    const log = await server.text('acme/secret', 1, 'use');
    assert.ok(log.includes(createHash('sha256').update(secret).digest('hex')), log);
    assert.match(log, /it is \*+/);
    assert.match(await server.text('acme/secret', 1, 'other'), /^1\nTOKEN=$/m);
    const said = [
      processes,
      log,
      JSON.stringify(run),
      JSON.stringify(shown),
      JSON.stringify(await server.client.events('acme/secret', 1)),
      server.said(),
    ];
    assert.deepEqual(
      said.map((text) => text.includes(secret)),
      said.map(() => false),
    );
    const files = readdirSync(server.data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.ok(files.some(({ name }) => name === 'use.json' || name.startsWith('use')));
    const bytes = Buffer.from(secret);
    assert.deepEqual(
      files.map(({ parentPath, name }) => join(parentPath, name)).filter((path) => readFileSync(path).includes(bytes)),
      [],
    );
  });
});
