import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, test } from 'node:test';
import { dockerciseFor } from './dockercise-project.ts';
import { commit, repository } from './repository.ts';

/** What runs when, and whether at all: on the real engine. */
const undone: (() => Promise<void>)[] = [];
const dockercise = dockerciseFor('order', { after: (undo) => void undone.push(undo) });
after(async () => {
  for (const undo of undone) await undo();
});

test('what comes after a failed stage does not run, what is beside it does, and a clean-up runs and does not hide the failure (R-DCK-17, R-DCK-50, R-DCK-56, R-DCK-57)', async (t) => {
  const cwd = repository(t, {
    'a.dockercise.yaml': `
first: { img: busybox, run: echo first }
breaks: { img: busybox, after: first, run: echo broken >&2; exit 7 }
beside: { img: busybox, after: first, run: sleep 1; echo beside }
never: { img: busybox, after: breaks, run: echo never }
tidy: { img: busybox, finally: breaks, run: echo tidied; exit 9 }
tidy-the-passed: { img: busybox, finally: first, run: echo tidied }
`,
  });
  const { code, out } = await dockercise.run(cwd, ['run', '--keep-going']);
  assert.equal(code, 1, out);
  assert.deepEqual(await dockercise.outcomes(cwd), {
    first: 'passed',
    breaks: 'failed',
    beside: 'passed',
    never: 'skipped',
    tidy: 'failed',
    'tidy-the-passed': 'passed',
  });
  assert.match(out, /breaks +failed .*exit(ed with)? (code )?7/i);
  assert.match(out, /tidy +failed .*9/i);
  const [breaks, tidy] = [await dockercise.documentOf(cwd, 'breaks'), await dockercise.documentOf(cwd, 'tidy')];
  assert.deepEqual([breaks.exitCode, tidy.exitCode], [7, 9]);
  assert.equal(dockercise.left(), '');
});

test('a clean-up runs when the stage was cancelled, too, and nothing is left (R-DCK-56)', async (t) => {
  const cwd = repository(t, {
    'a.dockercise.yaml': `
deploy: { img: busybox, run: "trap 'exit 1' TERM; echo deploying; sleep 600 & wait" }
tidy: { img: busybox, finally: deploy, run: echo tidied }
`,
  });
  const running = dockercise.start(cwd, ['run']);
  await running.wrote('deploying');
  running.process.kill('SIGINT');
  assert.equal((await running.ended).code, 130);
  assert.deepEqual(await dockercise.outcomes(cwd), { deploy: 'cancelled', tidy: 'passed' });
  assert.equal(await dockercise.logOf(cwd, 'tidy'), 'tidied\n');
  assert.equal(dockercise.left(), '');
});

test('one of two branches runs, by what a probe says, and the run is green both ways (R-DCK-61, R-DCK-62)', async (t) => {
  const of = (probe: string): string => `
probe: { img: busybox, run: ${probe} }
update: { img: busybox, if: probe, run: echo updated }
create: { img: busybox, unless: probe, run: echo created }
deploy: { img: busybox, after: either, run: echo deployed }
either: { after: [update, create] }
`;
  const cwd = repository(t, { 'a.dockercise.yaml': of('true') });
  await dockercise.passes(cwd);
  const there = { probe: 'passed', update: 'passed', create: 'skipped', deploy: 'passed' };
  assert.deepEqual(await dockercise.outcomes(cwd), there);
  commit(cwd, { 'a.dockercise.yaml': of('exit 1') });
  await dockercise.passes(cwd);
  assert.deepEqual(await dockercise.outcomes(cwd), { probe: 'failed', update: 'skipped', create: 'passed', deploy: 'passed' });
});

test('a Dockerfile of the project, an image that a stage leaves and one that a stage names are images; each is waited for (R-DCK-47, R-DCK-54)', async (t) => {
  const cwd = repository(t, {
    'images/tool/Dockerfile': 'FROM busybox\nCOPY tool /bin/tool\n',
    'images/tool/tool': '#!/bin/sh\necho tool at work\n',
    'deep/a.dockercise.yaml': `
uses: { img: ./images/tool, run: tool }
again: { img: { build: images/tool }, after: uses, run: tool }
makes: { img: busybox, run: "sleep 1; echo made > /made; echo aside > here" }
runs: { img: makes, run: cat /made; ls }
names: { img: busybox, run: "sleep 1; echo busybox:latest" }
runs-named: { img: "{names}", run: echo runs }
`,
  });
  execFileSync('chmod', ['+x', `${cwd}/images/tool/tool`]);
  commit(cwd);
  await dockercise.passes(cwd);
  const logs = await Promise.all(['uses', 'again', 'runs', 'runs-named'].map((stage) => dockercise.logOf(cwd, stage)));
  assert.deepEqual(logs, ['tool at work\n', 'tool at work\n', 'made\n', 'runs\n']);
  const [uses, again] = [await dockercise.documentOf(cwd, 'uses'), await dockercise.documentOf(cwd, 'again')];
  assert.equal(uses.image?.digest, again.image?.digest);
});

test('a stage is complete when its done has passed, which has its image, variables and files; who waits sees nothing before (R-DCO-49, R-DCO-50, R-DCO-51)', async (t) => {
  const done = 'sleep 2; echo "$GREETING $(cat made/file) $(cat {says})"';
  const cwd = repository(t, {
    'a.dockercise.yaml': `
says: { img: busybox, run: echo said }
made: { img: busybox, run: mkdir made && echo made > made/file }
starts: { img: busybox, env: [GREETING=hello], vol: made, run: echo started, done: ${JSON.stringify(done)} }
waits: { img: busybox, after: starts, run: echo waited }
no: { img: busybox, may-fail: true, run: exit 3, done: echo never }
not-done: { img: busybox, may-fail: true, run: echo started, done: echo "not yet"; exit 4 }
too-slow: { img: busybox, may-fail: true, run: echo started, done: { run: "trap 'exit 1' TERM; sleep 60 & wait", timeout: 1s } }
`,
  });
  await dockercise.passes(cwd);
  assert.equal(await dockercise.logOf(cwd, 'starts'), 'started\n');
  assert.equal(await dockercise.logOf(cwd, 'starts.done'), 'hello made said\n');
  const events = await dockercise.events(cwd);
  const at = (kind: string, stage: string): number =>
    events.find((event) => event.kind === kind && 'stage' in event && event.stage === stage)?.at ?? Number.NaN;
  assert.ok(at('stage.started', 'waits') - at('stage.done-started', 'starts') >= 2000);
  assert.ok(Number.isNaN(at('stage.done-started', 'no')));
  const outcomes = await dockercise.outcomes(cwd);
  assert.deepEqual([outcomes['no'], outcomes['not-done'], outcomes['too-slow']], ['failed', 'failed', 'failed']);
  assert.deepEqual([await dockercise.logOf(cwd, 'not-done'), await dockercise.logOf(cwd, 'not-done.done')], ['started\n', 'not yet\n']);
});
