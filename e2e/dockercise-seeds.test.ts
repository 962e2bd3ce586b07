import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { root } from '../scripts/setup/root.mjs';
import { dockerciseFor } from './dockercise-project.ts';
import { archiveOf, buildImage, engineSocket } from './engine.ts';
import { gitImage } from './git-image.ts';
import { directory, repository } from './repository.ts';

/** Both examples of the language run as they were first written, with images of these very names that answer as AWS and GitHub would. */
import { idOf, underNames } from './seed-images.ts';

const undone: (() => Promise<void>)[] = [];
const suite = { after: (undo: () => Promise<void>) => void undone.push(undo) };
const dockercise = dockerciseFor('seeds', suite);
const seed = (name: string): string => readFileSync(join(root, 'src/dialects/dockercise/cases', `seed-${name}.yml`), 'utf8');

let images: Readonly<Record<string, string>> = {};
before(async () => {
  const [aws, git] = await Promise.all([
    buildImage(suite, `cion-e2e/stacks-${process.pid}`, archiveOf(join(root, 'e2e/stand-ins/stacks'))),
    gitImage(suite, `cion-e2e/git-${process.pid}`, [
      { name: 'distributedlife/dockercise', branch: 'master', files: { 'example.yaml': 'a stack\n', 'README.md': 'read me\n' } },
      { name: 'ensemblejs/ensemblejs', branch: 'master', files: { 'infrastructure.yaml': 'an infrastructure\n' } },
    ]),
  ]);
  images = { 'pebbletech/docker-aws-cli': aws, 'bravissimolabs/alpine-git': git };
});
after(async () => {
  for (const undo of undone.reverse()) await undo();
});

const withSeedImages = (work: () => Promise<void>): Promise<void> => underNames(images, work);

const project = (t: TestContext, text: string): string =>
  repository(t, { 'infrastructure.dockercise.yaml': text, 'package.json': '{ "private": true, "scripts": { "start": "dockercise" } }\n' });

test('the first example runs as it is written: credentials are assumed and plucked, code is cloned, the stack is made, then waited for (R-DCK-01, R-DCK-02, R-DCK-04, R-DCK-07, R-DCK-08, R-DCK-09, R-DCK-10, R-DCK-15, R-DCK-19, R-DCK-22, R-DCK-24, R-DCK-27, R-DCK-28, R-DCK-29)', (t) =>
  withSeedImages(async () => {
    const cwd = project(t, seed('first'));
    await dockercise.passes(cwd, ['run'], { AWS_DEFAULT_REGION: 'ap-southeast-2' });
    assert.equal(await dockercise.logOf(cwd, 'create-stack'), 'created infra in ap-southeast-2 of a stack\n');
    assert.equal(await dockercise.logOf(cwd, 'wait-for-success'), 'infra is there\n');
    assert.equal(await dockercise.logOf(cwd, 'aws_access_key_id'), 'ASIA-OF-THE-ROLE\n');
    assert.equal(await dockercise.logOf(cwd, 'aws_secret_access_key'), 'secret/of+the=role\n');
    assert.equal(await dockercise.logOf(cwd, 'aws_session_token'), 'IQoJb3JpZ2luX2VjEA//////////token==\n');
    const { Credentials } = JSON.parse(await dockercise.logOf(cwd, 'assume-role')) as { Credentials: object };
    assert.deepEqual(Object.keys(Credentials), ['AccessKeyId', 'SecretAccessKey', 'SessionToken']);

    const events = await dockercise.events(cwd);
    const planned = events.find(({ kind }) => kind === 'run.planned');
    assert.ok(planned?.kind === 'run.planned');
    const seqOf = (kind: string, name: string): number =>
      events.find((event) => event.kind === kind && 'stage' in event && event.stage === name)?.seq ?? Number.NaN;
    for (const node of planned.plan.nodes) {
      for (const need of node.needs) assert.ok(seqOf('stage.finished', need.node) < seqOf('stage.started', node.name), node.name);
      const document = await dockercise.documentOf(cwd, node.name);
      const image = node.name === 'get-code' ? 'bravissimolabs/alpine-git' : 'pebbletech/docker-aws-cli';
      assert.deepEqual(document.image, { reference: `${image}:latest`, digest: idOf(image) });
      assert.match(document.container ?? '', new RegExp(node.name));
    }
    const files = await dockercise.filesOf(cwd, 'get-code');
    assert.deepEqual(files.filter((path) => !path.startsWith('.git/')).sort(), ['README.md', 'example.yaml']);
  }));

test('the second example waits for a click from elsewhere, then runs as it is written, and begins in the clone (R-DCO-36, R-DCO-39, R-DCO-40, R-DCO-43, R-DCO-45, R-DCO-46, R-DCO-47, R-DCO-48, R-DCO-49)', (t) =>
  withSeedImages(async () => {
    const cwd = project(t, seed('second'));
    const running = dockercise.start(cwd, ['run']);
    await running.wrote('cion approve 1 human-click');
    assert.deepEqual(await dockercise.outcomes(cwd), {});
    const clicked = await dockercise.run(cwd, ['approve', '1', 'human-click', '--by', 'Ada']);
    assert.equal(clicked.code, 0, clicked.err);
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 0, `${stdout}${stderr}`);
    const outcomes = await dockercise.outcomes(cwd);
    assert.deepEqual(Object.keys(outcomes).sort(), [
      'access-key-id',
      'assume-role',
      'create-stack',
      'get-code',
      'secret-access-key',
      'session-token',
    ]);
    assert.equal(await dockercise.logOf(cwd, 'create-stack'), 'created infra in the default region of an infrastructure\n');
    assert.equal(await dockercise.logOf(cwd, 'create-stack.done'), 'infra is there\n');
    assert.ok((await dockercise.filesOf(cwd, 'get-code')).includes('ensemblejs/infrastructure.yaml'));
  }));

test('npm start runs the pipeline of the current directory (R-DCK-11)', (t) =>
  withSeedImages(async () => {
    const cwd = project(t, 'hello: { img: pebbletech/docker-aws-cli, run: echo hello }\n');
    const { status, stdout, stderr } = spawnSync('npm', ['start'], {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, CION_NAMESPACE: dockercise.namespace, PATH: `${join(root, 'bin')}:${process.env.PATH}` },
    });
    assert.equal(status, 0, stdout + stderr);
    assert.equal(await dockercise.logOf(cwd, 'hello'), 'hello\n');
  }));

test('a stage that waits and a done that waits make the same calls in the same order (R-DCO-52)', {
  skip: engineSocket === undefined && 'the engine is not on this machine',
}, async (t) => {
  const calls = async (create: string, wait: string): Promise<string> => {
    const made = directory(t);
    const cwd = repository(t, {
      'a.dockercise.yaml': `
credentials:
  img: ${images['pebbletech/docker-aws-cli']}
  vol: ${JSON.stringify(`${made}:/calls`)}
  run: aws sts assume-role --role-arn arn
template: { img: busybox, run: echo it > template }
create-stack:
  img: ${images['pebbletech/docker-aws-cli']}
  after: credentials
  env: &role { AWS_ACCESS_KEY_ID: ASIA-OF-THE-ROLE, AWS_SECRET_ACCESS_KEY: secret/of+the=role, AWS_SESSION_TOKEN: IQoJb3JpZ2luX2VjEA//////////token== }
  vol: [template, ${JSON.stringify(`${made}:/calls`)}]
  run: aws cloudformation create-stack --stack-name infra --template-body file://template/template
${create}
${wait.replace('<vol>', JSON.stringify(`${made}:/calls`))}
`,
    });
    await dockercise.passes(cwd, ['run', '--allow-host-path', made]);
    return readFileSync(join(made, 'made'), 'utf8');
  };
  const wait = 'aws cloudformation wait stack-create-complete --stack-name infra';
  const inOne = await calls(`  done: ${wait}`, '');
  const inTwo = await calls(
    '',
    `wait-for-success: { after: create-stack, img: "${images['pebbletech/docker-aws-cli']}", env: *role, vol: <vol>, run: ${wait} }`,
  );
  assert.equal(inOne, inTwo);
  assert.equal(inOne, 'sts assume-role --role-arn\ncloudformation create-stack --stack-name\ncloudformation wait stack-create-complete\n');
});
