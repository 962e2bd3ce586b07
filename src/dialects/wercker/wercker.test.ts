import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { textOf } from '../../plan/circumstances.ts';
import type { Plan, Stage, Steps, Variable } from '../../plan/plan.ts';
import { circumstancesOf } from '../circumstances.ts';
import type { Given } from '../dialect.ts';
import { fetchedStep, given } from './testing/given.ts';
import { werckerDialect } from './wercker.ts';

const compile = (text: string, more: Partial<Given> = {}) =>
  werckerDialect.compile([{ path: 'wercker.yml', bytes: Buffer.from(text) }], { ...given, ...more });

const planOf = (text: string, more?: Partial<Given>): Plan => {
  const compiled = compile(text, more);
  assert.ok(compiled.ok, JSON.stringify(compiled, null, 2));
  return compiled.plan;
};
const stageOf = (text: string, more?: Partial<Given>): Stage => {
  const [node] = planOf(text, more).nodes;
  assert.ok(node?.kind === 'stage');
  return node;
};
const stepsOf = (text: string, more?: Partial<Given>): Steps => {
  const { command } = stageOf(text, more);
  assert.ok(command.kind === 'steps');
  return command;
};
const codesOf = (text: string, more?: Partial<Given>): readonly string[] => {
  const compiled = compile(text, more);
  return (compiled.ok ? compiled.warnings : compiled.problems).map(({ code }) => code);
};
/** The last of a name is the one that counts. */
const valueOf = (variables: readonly Variable[], name: string) => variables.findLast((variable) => variable.name === name)?.value;
const literal = (value: string) => ({ kind: 'literal', value });
/** As a run of it has it. */
const textIn = (variables: readonly Variable[], name: string, about = given): string | undefined => {
  const value = valueOf(variables, name);
  return value?.kind === 'run' ? textOf(value, circumstancesOf(about)) : value?.kind === 'literal' ? value.value : undefined;
};

const one = (step: string, top = 'box: debian') => `${top}\nbuild:\n  steps:\n    - ${step}\n`;
const hello = one('script: { code: echo hello }');

test('reads the file in the root and no other, the first name of three (R-WRK-06, R-WRK-103)', () => {
  assert.deepEqual(werckerDialect.wants(['a/wercker.yml', 'README']), []);
  assert.deepEqual(werckerDialect.wants(['.wercker.yml', 'wercker.yml', 'ewok.yml']), ['ewok.yml', 'wercker.yml', '.wercker.yml']);
  const files = ['wercker.yml', 'ewok.yml'].map((path) => ({
    path,
    bytes: Buffer.from(hello.replace('debian', path === 'ewok.yml' ? 'ewok' : 'w')),
  }));
  const compiled = werckerDialect.compile(files, given);
  assert.ok(compiled.ok && compiled.plan.nodes[0]?.kind === 'stage');
  assert.deepEqual(compiled.plan.nodes[0].image, { kind: 'reference', reference: 'ewok' });
  assert.deepEqual(
    compiled.warnings.map(({ code }) => code),
    ['CONFIG_UNUSED'],
  );
  assert.deepEqual(werckerDialect.compile([], given), {
    ok: false,
    problems: [
      {
        code: 'CONFIG_MISSING',
        message: 'There is no wercker.yml.',
        hint: 'The shortest is "box: debian" and "build: { steps: [{ script: { code: make } }] }".',
      },
    ],
  });
});

test('any valid image is a box: of a registry with a port, with a tag, with a digest (R-WRK-10)', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const boxes = {
    debian: 'debian',
    'localhost:5000/x/busybox:1': 'localhost:5000/x/busybox:1',
    [`quay.io/a/b@${digest}`]: `quay.io/a/b@${digest}`,
    '{ id: A/B:1, tag: 2.10 }': 'a/b:2.10',
    '{ id: x/busybox, registry: https://localhost:5000/v2 }': 'localhost:5000/x/busybox',
    '{ id: gcr.io/a/b, registry: quay.io }': 'gcr.io/a/b',
    '{ id: a, registry: https://registry.hub.docker.com }': 'a',
    '{ id: a/b, aws-registry-id: 000123, aws-region: eu-west-1 }': '000123.dkr.ecr.eu-west-1.amazonaws.com/a/b',
    '"a/b:$WERCKER_GIT_BRANCH"': 'a/b:main',
  };
  for (const [box, reference] of Object.entries(boxes)) {
    assert.deepEqual(stageOf(one('script: { code: ls }', `box: ${box}`)).image, { kind: 'reference', reference }, box);
    assert.deepEqual(
      stageOf(`box: a\nservices:\n  - ${box.startsWith('{') ? box.replace('{', '{ name: s,') : box}\nbuild: {}\n`).services[0]?.image,
      { kind: 'reference', reference },
      box,
    );
  }
});

test('the same images serve as services (R-WRK-14)', () => {
  const images = stageOf('box: a\nservices: [redis:7, { id: localhost:5000/db, name: db }]\nbuild: {}\n').services.map(
    ({ image }) => image,
  );
  assert.deepEqual(images, [
    { kind: 'reference', reference: 'redis:7' },
    { kind: 'reference', reference: 'localhost:5000/db' },
  ]);
});

test('where a server has pages, the addresses are those of the build, the deploy and the project', () => {
  const pages = { run: 'https://ci.example/acme/website/runs/7', project: 'https://ci.example/acme/website' };
  const { variables } = stepsOf(hello, { pages });
  const about = { ...given, pages };
  assert.equal(textIn(variables, 'WERCKER_BUILD_URL', about), pages.run);
  assert.equal(textIn(variables, 'WERCKER_RUN_URL', about), pages.run);
  assert.equal(textIn(variables, 'WERCKER_APPLICATION_URL', about), pages.project);
  const deploy = stepsOf(hello.replace('build', 'deploy'), { pipeline: 'deploy', pages }).variables;
  assert.equal(textIn(deploy, 'WERCKER_DEPLOY_URL', about), pages.run);
});

test('a service is found by its name and by variables of its ports (R-WRK-60)', () => {
  const { variables } = stepsOf('box: a\nservices: [{ id: acme/my-db:1, ports: [5432, 53/udp] }, redis]\nbuild: {}\n');
  assert.deepEqual(valueOf(variables, 'MY_DB_PORT_5432_TCP_ADDR'), literal('my-db'));
  assert.deepEqual(valueOf(variables, 'MY_DB_PORT'), literal('udp://my-db:53'));
  assert.deepEqual(valueOf(variables, 'MY_DB_PORT_53_UDP_PORT'), literal('53'));
  assert.deepEqual(valueOf(variables, 'REDIS_PORT_6379_TCP'), literal('tcp://redis:6379'));
});

test('every job has the generic variables (R-WRK-89, R-WRK-90, R-WRK-91, R-WRK-131, R-WRK-132, R-WRK-134, R-WRK-135, R-WRK-136, R-WRK-137, R-WRK-138, R-WRK-139, R-WRK-146, R-WRK-147, R-WRK-148, R-WRK-149)', () => {
  const { variables } = stepsOf(hello);
  const expected = {
    BUILD_ID: 'run_01',
    BUILD_DIR: '/tmp/build/run_01',
    OUTPUT_DIR: '/tmp/build_output',
    GIT_URL: 'github.com/acme/website',
    WERCKER_DIR: '/mnt/wercker',
    WERCKER: 'true',
    BUILD: 'true',
    CI: 'true',
    WERCKER_BUILD_ID: 'run_01',
    WERCKER_BUILD_URL: 'cion:run/7',
    WERCKER_MAIN_PIPELINE_STARTED: '1700000000',
    WERCKER_GIT_DOMAIN: 'github.com',
    WERCKER_GIT_OWNER: 'acme',
    WERCKER_GIT_REPOSITORY: 'website',
    WERCKER_GIT_BRANCH: 'main',
    WERCKER_GIT_COMMIT: given.source?.commit ?? '',
    WERCKER_ROOT: '/pipeline/source',
    WERCKER_SOURCE_DIR: '/pipeline/source',
    WERCKER_OUTPUT_DIR: '/pipeline/output',
    WERCKER_CACHE_DIR: '/pipeline/cache',
    WERCKER_PIPELINE_DIR: '/pipeline',
    WERCKER_REPORT_DIR: '/report',
    WERCKER_STARTED_BY: 'anna',
    WERCKER_APPLICATION_ID: 'website',
    WERCKER_APPLICATION_NAME: 'website',
    WERCKER_APPLICATION_OWNER_NAME: 'acme',
    WERCKER_APPLICATION_URL: 'cion:project/website',
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(textIn(variables, name), value, name);
  const deploy = stepsOf(hello.replace('build', 'deploy'), { pipeline: 'deploy' }).variables;
  assert.deepEqual(valueOf(deploy, 'DEPLOY'), literal('true'));
  assert.equal(textIn(deploy, 'WERCKER_DEPLOY_ID'), 'run_01');
  for (const name of ['BUILD', 'CI', 'WERCKER_BUILD_ID']) assert.equal(valueOf(deploy, name), undefined, name);
});

test('variables of the file win over the generic ones, those from outside over both, protected ones over all (R-WRK-151, R-WRK-152)', () => {
  const text = one('script: { code: ls }', 'box: { id: a, env: { ci: no, a: file, b: file, c: "$A-x", d: file } }');
  const { variables } = stepsOf(text, { variables: ['X_A', 'X_B', 'XXX_B', 'X_TERM', 'OTHER', 'X_', 'X_1', 'http_proxy'] });
  assert.deepEqual(valueOf(variables, 'CI'), literal('no'));
  assert.deepEqual(valueOf(variables, 'A'), { kind: 'outside', name: 'X_A' });
  assert.deepEqual(valueOf(variables, 'B'), { kind: 'secret', name: 'XXX_B' });
  assert.deepEqual(valueOf(variables, 'C'), { kind: 'expanded', text: '$A-x' });
  assert.deepEqual(valueOf(variables, 'D'), literal('file'));
  assert.deepEqual(valueOf(variables, 'TERM'), { kind: 'outside', name: 'X_TERM' });
  assert.deepEqual(valueOf(variables, 'http_proxy'), { kind: 'outside', name: 'http_proxy' });
  assert.equal(valueOf(variables, 'OTHER'), undefined);
  assert.ok(!variables.some(({ name }) => name === '' || name === '1'));
});

test('an option is a variable of its step alone (R-WRK-43, R-WRK-46, R-WRK-47)', () => {
  const text = `box: a
build:
  steps:
    - hipchat-notify: { token: "$T", from-name: "two words 'and'\\nlines", room_id: 012, version: 2.1, on: yes, my.key: 1e3, none: ~ }
    - s3sync: { source_dir: build/ }
`;
  const [, first, second] = stepsOf(text).steps;
  assert.ok(first && second);
  assert.deepEqual(
    first.variables.filter(({ name }) => name.startsWith('WERCKER_HIPCHAT')).map(({ name, value }) => [name, value]),
    [
      ['WERCKER_HIPCHAT_NOTIFY_TOKEN', { kind: 'expanded', text: '$T' }],
      ['WERCKER_HIPCHAT_NOTIFY_ROOM_ID', literal('012')],
      ['WERCKER_HIPCHAT_NOTIFY_NOTIFY', literal('true')],
      ['WERCKER_HIPCHAT_NOTIFY_FROM_NAME', literal("two words 'and'\nlines")],
      ['WERCKER_HIPCHAT_NOTIFY_VERSION', literal('2.1')],
      ['WERCKER_HIPCHAT_NOTIFY_ON', literal('true')],
      ['WERCKER_HIPCHAT_NOTIFY_MY_KEY', literal('1e3')],
      ['WERCKER_HIPCHAT_NOTIFY_NONE', literal('')],
    ],
  );
  assert.deepEqual(valueOf(second.variables, 'WERCKER_S3SYNC_SOURCE_DIR'), literal('build/'));
  assert.ok(!second.variables.some(({ name }) => name.includes('HIPCHAT')));
});

test('every step and after-step has its own id, root, owner, name and report files (R-WRK-62, R-WRK-155, R-WRK-156, R-WRK-157)', () => {
  const { steps, after } = stepsOf('box: a\nbuild:\n  steps: [s3sync, s3sync, acme/build@^1.0]\n  after-steps: [s3sync]\n');
  const ids = [...steps, ...after].map(({ id }) => id);
  assert.deepEqual(ids, ['setup-environment', 's3sync', 's3sync-2', 'build', 's3sync-3']);
  for (const step of [...steps, ...after]) {
    assert.deepEqual(valueOf(step.variables, 'WERCKER_STEP_ID'), literal(step.id));
    assert.deepEqual(valueOf(step.variables, 'WERCKER_STEP_ROOT'), literal(`/pipeline/${step.id}`));
    assert.deepEqual(valueOf(step.variables, 'WERCKER_REPORT_MESSAGE_FILE'), literal(`/report/${step.id}/message.txt`));
    assert.deepEqual(valueOf(step.variables, 'WERCKER_REPORT_NUMBERS_FILE'), literal(`/report/${step.id}/numbers.ini`));
    assert.deepEqual(valueOf(step.variables, 'WERCKER_REPORT_ARTIFACTS_DIR'), literal(`/report/${step.id}/artifacts`));
  }
  assert.deepEqual(valueOf(steps[3]?.variables ?? [], 'WERCKER_STEP_OWNER'), literal('acme'));
  assert.deepEqual(valueOf(steps[3]?.variables ?? [], 'WERCKER_STEP_NAME'), literal('build'));
});

test('steps keep their order, source and step code are read-only mounts (R-WRK-23, R-WRK-24, R-WRK-96)', () => {
  const stage = stageOf('box: a\nbuild:\n  steps: [s3sync, { script: { code: a, name: A } }, bundle-install]\n');
  assert.ok(stage.command.kind === 'steps');
  assert.deepEqual(
    stage.command.steps.map(({ name }) => name),
    ['setup environment', 's3sync', 'A', 'bundle-install'],
  );
  assert.deepEqual(
    stage.mounts.map((mount) => [mount.path, mount.kind === 'volume' && mount.access]),
    ['source', 'cache', 's3sync', 'bundle-install'].map((name) => [`/mnt/wercker/${name}`, 'read-only']),
  );
});

test('an image may be a public variable, tag and all, of a box and of a service; a protected one is not told to anybody', () => {
  const more = { variables: ['X_IMG', 'XXX_SECRET'], publicValues: new Map([['X_IMG', 'localhost:5000/node:8']]) };
  const stage = stageOf('box: $IMG\nservices: [{ id: $IMG, name: s, env: { A: $IMG } }]\nbuild: {}\n', more);
  const image = { kind: 'reference', reference: 'localhost:5000/node:8' };
  assert.deepEqual([stage.image, stage.services[0]?.image], [image, image]);
  assert.deepEqual(stage.services[0]?.env['A'], { kind: 'outside', name: 'X_IMG' });
  assert.deepEqual(codesOf('box: $SECRET\nbuild: {}\n', more), ['VARIABLE_TOO_LATE']);
});

test('after-steps are told the result, and build and deploy both may have them (R-WRK-52)', () => {
  for (const pipeline of ['build', 'deploy']) {
    const { after } = stepsOf(`box: a\n${pipeline}:\n  after-steps: [s3sync]\n`, { pipeline });
    assert.deepEqual(valueOf(after[0]?.variables ?? [], 'WERCKER_RESULT'), { kind: 'expanded', text: '$CION_RESULT' });
    assert.deepEqual(valueOf(after[0]?.variables ?? [], 'WERCKER_FAILED_STEP_MESSAGE'), {
      kind: 'expanded',
      text: '$CION_FAILED_STEP_MESSAGE',
    });
  }
});

test('a deploy begins in the image of its build, unless it names another (R-WRK-37, R-WRK-39, R-WRK-40)', () => {
  const boxOf = (deploy: string) =>
    stageOf(`box: debian\ndeploy: { ${deploy} }\n`, { pipeline: 'deploy', lastBuild: { image: 'acme/web:7' } }).image;
  const built = { kind: 'reference', reference: 'acme/web:7' };
  assert.deepEqual(boxOf('steps: []'), built);
  assert.deepEqual(boxOf('box: $WERCKER_LAST_BUILD_BOX'), built);
  assert.deepEqual(boxOf('box: acme/production:3'), { kind: 'reference', reference: 'acme/production:3' });
  assert.deepEqual(stageOf('box: debian\ndeploy: {}\n', { pipeline: 'deploy' }).image, { kind: 'reference', reference: 'debian' });
});

test('steps that are not there are wanted, each once it is all that is missing (R-WRK-110)', () => {
  const compiled = compile('box: a\nbuild: { steps: [x/y@1, s3sync], after-steps: [z] }\n');
  assert.ok(!compiled.ok);
  assert.deepEqual(
    compiled.wantsSteps?.map(({ reference, range }) => [reference, range.start.line]),
    [
      ['x/y@1', 2],
      ['z', 2],
    ],
  );
  const wrong = compile('box: a@1\nbuild: { steps: [x/y@1] }\n');
  assert.ok(!wrong.ok && wrong.wantsSteps === undefined);
});

test('step code without a run.sh is refused (R-WRK-86)', () => {
  const steps = new Map([['x', fetchedStep('x', undefined, { files: ['README'] })]]);
  assert.deepEqual(codesOf(one('x'), { steps }), ['STEP_NO_SCRIPT']);
});

test('a manifest that is broken costs the defaults and not the run', () => {
  const steps = new Map([['x', fetchedStep('x', 'properties: [')]]);
  assert.deepEqual(codesOf(one('x'), { steps }), ['STEP_MANIFEST_UNREAD']);
});

test('limits of time are per step: 25 and 5 minutes, or what the file says', () => {
  assert.deepEqual(stepsOf(hello).steps[1]?.timeouts, { totalMs: 1_500_000, silentMs: 300_000 });
  const limited = one('script: { code: ls }', 'box: a\ncommand-timeout: "10"\nno-response-timeout: 2.5');
  assert.deepEqual(stepsOf(limited).steps[1]?.timeouts, { totalMs: 600_000, silentMs: 150_000 });
});

test('services of a pipeline: empty inherits, an empty list is none', () => {
  const count = (own: string) => stageOf(`box: a\nservices: [redis]\nbuild:\n  steps: []\n${own}`).services.length;
  assert.deepEqual([count(''), count('  services:\n'), count('  services: []\n')], [1, 1, 0]);
});

test('what is wrong with another pipeline is told, and nothing more', () => {
  assert.deepEqual(codesOf(`${hello}deploy: { steps: [], env: { A: b } }\n`), ['UNKNOWN_KEY']);
  assert.ok(compile(`${hello}deploy: { steps: [], env: { A: b } }\n`).ok);
});

test('a box whose shell is started by sudo runs its steps as root', () => {
  assert.equal(stageOf(one('script: { code: ls }', 'box: { id: a, cmd: /usr/bin/sudo -E /bin/bash }')).user, 'root');
});

test('workflows are judged as they were', () => {
  const message = (items: string): string | undefined => {
    const compiled = compile(`${hello}test: { steps: [] }\nworkflows: [{ name: w, pipelines: [${items}] }]\n`);
    assert.ok(compiled.ok);
    return compiled.warnings[0]?.message.replace('The workflow "w" cannot run: ', '');
  };
  assert.equal(message('{ name: build }, { name: test, requires: build }'), undefined);
  assert.equal(message('{ name: build }, { name: build }'), 'duplicate pipeline build.');
  assert.equal(message('{ name: a, pipelineName: nope }'), 'pipeline nope is not defined.');
  assert.equal(message('{ name: build, requires: [x] }'), 'no pipeline x required by build.');
  assert.equal(message('{ name: build }, { name: test }'), 'multiple root pipelines: build, test.');
  assert.equal(message('{ name: build, requires: [test] }, { name: test, requires: [build] }'), 'contains cycle build -> test -> build.');
});

test('is total: whatever the bytes are, there is an answer', () => {
  const words = [
    'box',
    ':',
    ' ',
    '\n',
    '- ',
    'build',
    'steps',
    'script',
    '{',
    '}',
    '[',
    ']',
    '$A',
    '&a',
    '*a',
    '<<',
    'x@y',
    '"',
    '|',
    '~',
    '  ',
    'docker',
    'services',
    'id',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 60 }), (parts) => {
      const compiled = compile(parts.join(''));
      return compiled.ok || compiled.problems.length > 0;
    }),
    { numRuns: 300 },
  );
});

test('an option is known with "-" and with "_", since both are the same variable (R-WRK-47)', () => {
  const manifest = 'properties:\n  - { name: room-id, type: integer, required: true }\n';
  const steps = new Map([['notify', fetchedStep('notify', manifest)]]);
  const command = stepsOf(one('notify: { room_id: 7 }'), { steps });
  assert.deepEqual(valueOf(command.steps[1]?.variables ?? [], 'WERCKER_NOTIFY_ROOM_ID'), literal('7'));
  assert.deepEqual(codesOf(one('notify: { room_id: seven }'), { steps }), ['OPTION_TYPE']);
  assert.deepEqual(codesOf(one('notify: { room: 7 }'), { steps }), ['OPTION_MISSING']);
});
