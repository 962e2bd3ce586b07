import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunEvent } from '../src/run/run-event.ts';
import { cion } from './cli.ts';
import { commit, directory, repository, writeFiles } from './repository.ts';

const eventsOf = (out: string): readonly RunEvent[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent);

const text = [
  'build:',
  '  image: busybox',
  '  run: |',
  '    if [ -e made ]; then ls -l tool link; cat made; exit 0; fi',
  '    echo "of $(cat README)" > "$ARTIFACTS_DIR/made"',
  '    echo "#!/bin/sh" > "$ARTIFACTS_DIR/tool"; chmod 755 "$ARTIFACTS_DIR/tool"; ln -s made "$ARTIFACTS_DIR/link"',
  '    exit $CODE',
  '  env: { CODE: "0" }',
  '',
].join('\n');

test('a deploy is a run of its own with the files of the newest build that passed, by hand (R-WRK-31, R-WRK-32, R-WRK-34)', async (t) => {
  const cwd = repository(t, { '.cion.yml': text, README: 'one' });
  const build = await cion(['build', '--json'], { cwd });
  assert.equal(build.code, 0, build.err);
  const [created] = eventsOf(build.out);
  assert.ok(created?.kind === 'run.created');
  commit(cwd, { '.cion.yml': text.replace('"0"', '"3"') });
  assert.equal((await cion(['build'], { cwd })).code, 1);

  const red = await cion(['deploy', '--pipeline', 'cion', '--from', '2'], { cwd });
  assert.equal(red.code, 2);
  assert.match(red.err, /Run 2 failed: only what passed can be deployed\. \[DEPLOY_REFUSED\]/);

  const deploy = await cion(['deploy', '--pipeline', 'cion', '--json'], { cwd });
  assert.equal(deploy.code, 0, deploy.err);
  const [begun] = eventsOf(deploy.out);
  assert.deepEqual(begun?.kind === 'run.created' && begun.trigger.from, created.run);
  const { out } = await cion(['logs', '3', 'build'], { cwd });
  assert.match(out, /^-rwxr.xr.x.* tool$/m);
  assert.match(out, /^lrwx.* link -> made$/m);
  assert.match(out, /^of one$/m);
  assert.match((await cion(['show', '3'], { cwd })).out, /from run 1$/m);

  const again = await cion(['rerun', '3'], { cwd });
  assert.equal(again.code, 0, again.err);
  assert.match(again.out, /of one/);
});

test('a run that left no files is deployed with its commit, whatever was committed since', async (t) => {
  const cwd = repository(t, { '.cion.yml': 'build: { image: busybox, run: cat README }\n', README: 'one\n' });
  assert.equal((await cion(['build'], { cwd })).code, 0);
  commit(cwd, { README: 'two\n' });
  const deploy = await cion(['deploy', '--pipeline', 'cion', '--from', '1'], { cwd });
  assert.match(deploy.out, /build  \| one\n/);
});

test('nothing is deployed before a build passed, and a green build deploys nothing by itself', async (t) => {
  const cwd = repository(t, { '.cion.yml': 'build: { image: busybox }\n' });
  assert.match((await cion(['deploy'], { cwd })).err, /no build that passed.*DEPLOY_REFUSED/);
  assert.equal((await cion(['build', '--runtime', 'fake'], { cwd })).code, 0);
  assert.equal((await cion(['runs', '--json'], { cwd })).out.trimEnd().split('\n').length, 1);
});

test('a deploy can follow a green build by itself, and follows no red one (R-WRK-33)', async (t) => {
  const cwd = repository(t, { '.cion.yml': 'build: { image: busybox }\n' });
  const runs = async () => (await cion(['runs', '--json'], { cwd })).out.trimEnd().split('\n').length;
  const green = await cion(['build', '--deploy', '--runtime', 'fake'], { cwd });
  assert.match(green.err, /There is no pipeline "deploy"/);
  assert.deepEqual([green.code, await runs()], [2, 1]);
  commit(cwd, { '.cion.yml': 'build: { image: busybox, env: { FAKE_EXIT: "1" } }\n' });
  const red = await cion(['build', '--deploy', '--runtime', 'fake'], { cwd });
  assert.deepEqual([red.code, await runs()], [1, 2]);
});

test('an image is named on the command line, for the only stage of a pipeline', async (t) => {
  const cwd = repository(t, { '.cion.yml': 'build: { image: busybox }\n' });
  const args = ['build', '--runtime', 'fake', '--json', '--commit=team/app:{run}', '--commit-steps'];
  const planned = eventsOf((await cion(args, { cwd })).out).find((event) => event.kind === 'run.planned');
  const [node] = planned?.kind === 'run.planned' ? planned.plan.nodes : [];
  assert.ok(node?.kind === 'stage');
  const names = node.commit?.names ?? [];
  assert.match(names[0] ?? '', /^cion-builds\/cion-e2e-\w+:\{id\}$/);
  assert.deepEqual({ ...node.commit, names: names.slice(1) }, { names: ['team/app:{run}'], when: 'ended', steps: true });
  commit(cwd, { '.cion.yml': 'build: { image: busybox }\nrelease: { image: busybox }\n' });
  assert.match((await cion(args, { cwd })).err, /COMMIT_UNCLEAR/);
  assert.match((await cion(['build', '--push'], { cwd })).err, /--push does not say where to/);
});

test('everything can be said by the environment, without an argument (R-WRK-76, R-WRK-77, R-WRK-176)', async (t) => {
  const cwd = repository(t, {
    '.cion.yml': 'build: { image: busybox, env: { X: { outside: GIVEN } } }\nrelease: { image: busybox }\n',
  });
  const env = { CION_PROJECT: cwd, CION_RUNTIME: 'fake', CION_JSON: '1', GIVEN: '0', CION_FAIL_FAST: '0', CION_CONCURRENCY: '1' };
  const built = await cion(['build'], { cwd: directory(t), env });
  assert.equal(built.code, 0, built.err);
  assert.equal(eventsOf(built.out)[0]?.kind, 'run.created');
  const only = await cion(['run'], { cwd: directory(t), env: { ...env, CION_ONLY: 'build' } });
  assert.ok(eventsOf(only.out).some((event) => event.kind === 'run.planned' && event.only?.join() === 'build'));
  const over = await cion(['run', '--only', 'release'], { cwd: directory(t), env: { ...env, CION_ONLY: 'build', CION_KEEP_GOING: 'yes' } });
  assert.ok(eventsOf(over.out).some((event) => event.kind === 'run.planned' && event.only?.join() === 'release'));
  const wrong = await cion(['build'], { cwd, env: { ...env, CION_CONCURRENCY: 'many' } });
  assert.deepEqual([wrong.code, /CION_CONCURRENCY is "many"/.test(wrong.err)], [2, true]);
});

test('a wercker.yml is written for a project that has none, and none is overwritten', async (t) => {
  const cwd = repository(t, { 'go.mod': 'module x\n' });
  const printed = await cion(['detect', '--print'], { cwd });
  assert.match(printed.out, /^box: golang:1$/m);
  assert.equal((await cion(['detect'], { cwd })).code, 0);
  assert.equal(readFileSync(join(cwd, 'wercker.yml'), 'utf8'), printed.out);
  writeFiles(cwd, { 'wercker.yml': 'mine' });
  assert.match((await cion(['detect'], { cwd })).err, /CONFIG_EXISTS/);
  assert.equal(readFileSync(join(cwd, 'wercker.yml'), 'utf8'), 'mine');
  const unknown = await cion(['build', '--detect'], { cwd: repository(t, { README: '' }) });
  assert.deepEqual([unknown.code, /PROJECT_KIND_UNKNOWN/.test(unknown.err)], [2, true]);
});

test('a build writes a default where there is no text, when it is told to and there is one that fits (R-WRK-104)', async (t) => {
  const kinds = { 'package.json': '{ "scripts": { "test": "true" } }', Gemfile: '', 'go.mod': 'module x\n' };
  for (const [file, text] of Object.entries(kinds)) {
    const cwd = repository(t, { [file]: text });
    const off = await cion(['build', '--runtime', 'fake'], { cwd });
    assert.match(off.out + off.err, /no wercker\.yml|nothing to/i, file);
    assert.throws(() => readFileSync(join(cwd, 'wercker.yml')), file);
    const on = await cion(['build', '--detect', '--runtime', 'fake', '--json'], { cwd });
    assert.match(readFileSync(join(cwd, 'wercker.yml'), 'utf8'), /^box: /m, file);
    assert.ok(
      eventsOf(on.out).some((event) => event.kind === 'run.planned' && event.plan.pipeline === 'build'),
      on.out + on.err,
    );
  }
});
