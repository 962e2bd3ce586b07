import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cion } from './cli.ts';
import { commit, directory, git, repository, writeFiles } from './repository.ts';

const good = 'build:\n  image: busybox\n';

/** What a user sees of a mistake: the code, where, no stack. */
const refuses = (result: Awaited<ReturnType<typeof cion>>, ...patterns: readonly RegExp[]): void => {
  assert.equal(result.code, 2, result.out + result.err);
  for (const pattern of patterns) assert.match(result.err, pattern);
  assert.doesNotMatch(result.err + result.out, /\n\s+at .*:\d+/, 'a stack trace');
};

test('without a configuration there is nothing to do: exit 0, a hint, and no run', async (t) => {
  const cwd = repository(t, { 'README.md': 'hello' });
  const result = await cion(['run', '--runtime', 'fake'], { cwd });
  assert.equal(result.code, 0);
  assert.match(result.out, /nothing to do.*\n.*cion init/);
  assert.match((await cion(['runs'], { cwd })).out, /no runs yet/);
});

test('a run that is asked for by a stage or a commit fails when there is no configuration, and says so (R-CIO-21)', async (t) => {
  const cwd = repository(t, { 'README.md': 'hello' });
  refuses(await cion(['run', '--runtime', 'fake', 'build'], { cwd }), /CONFIG_MISSING/, /\.cion\.yml/);
  refuses(await cion(['run', '--runtime', 'fake', '--commit', 'HEAD'], { cwd }), /CONFIG_MISSING/);
  assert.match((await cion(['runs', '--json'], { cwd })).out, /"outcome":"failed"/);
});

const texts: readonly (readonly [string, string | Uint8Array, ...RegExp[]])[] = [
  ['an empty file', '', /CONFIG_EMPTY/, /\.cion\.yml/],
  ['tabs as indentation', 'build:\n\timage: busybox\n', /\.cion\.yml:2:1/, /[Tt]ab/],
  ['an unknown key', 'build:\n  image: busybox\n  imgae: other\n', /\.cion\.yml:3:3/, /imgae/],
  ['a value of the wrong type', 'build:\n  image: [1, 2]\n', /\.cion\.yml:2:10/, /image/],
  ['a key given twice', 'build:\n  image: busybox\n  image: other\n', /\.cion\.yml:3:3/, /image/],
  ['a missing build image', 'build:\n  env:\n    a: b\n', /\.cion\.yml:1:1/, /image/],
  ['text that is no YAML', 'build: {image: busybox\n', /\.cion\.yml:\d+:\d+/],
  ['bytes that are not UTF-8', Buffer.from('build:\n  image: caf\xe9\n', 'latin1'), /\.cion\.yml:2/, /UTF-8/],
];
for (const [what, text, ...patterns] of texts) {
  test(`${what}: exit 2, file, line and what to do, and the run has failed with that reason (R-CIO-19, R-CIO-21)`, async (t) => {
    const cwd = repository(t, { '.cion.yml': text });
    refuses(await cion(['run', '--runtime', 'fake'], { cwd }), /docs\/errors\.md#/, ...patterns);
    refuses(await cion(['check'], { cwd }), ...patterns);
    const [run] = (await cion(['runs', '--json'], { cwd })).out.trim().split('\n');
    assert.equal(JSON.parse(run ?? '').outcome, 'failed');
    assert.match((await cion(['logs', '1', 'fetch'], { cwd })).out, /\.cion\.yml/);
  });
}

test('a configuration of 500 KB is read, and one mistake in it is found', async (t) => {
  const env = Array.from({ length: 12_000 }, (_, i) => `    variable_number_${i}: "a value that is long enough"\n`).join('');
  const cwd = repository(t, { '.cion.yml': `${good}  env:\n${env}` });
  assert.equal((await cion(['check'], { cwd })).code, 0);
  assert.equal((await cion(['run', '--runtime', 'fake', '--plain'], { cwd })).code, 0);
  writeFiles(cwd, { '.cion.yml': `${good}  env:\n${env}  wrong: key\n` });
  refuses(await cion(['check'], { cwd }), /\.cion\.yml:12004:3/, /wrong/);
});

const unreadable: readonly (readonly [string, (path: string) => void, RegExp])[] = [
  ['a link to nothing', (path) => symlinkSync('gone.yml', path), /link/],
  ['a link out of the project', (path) => symlinkSync('/etc/hostname', path), /out of the project/],
  ['a directory', (path) => mkdirSync(path), /no file/],
];
for (const [what, make, reason] of unreadable) {
  test(`a configuration that is ${what} is refused, not taken for none`, async (t) => {
    const cwd = repository(t, { 'README.md': 'hello' });
    make(join(cwd, '.cion.yml'));
    for (const args of [['check'], ['plan'], ['run', '--runtime', 'fake'], ['run', '--runtime', 'fake', 'build']]) {
      refuses(await cion(args, { cwd }), /CONFIG_UNREADABLE/, /\.cion\.yml/, reason);
    }
    assert.match((await cion(['runs'], { cwd })).out, /no runs yet/);
  });
}

test('a configuration may be a link to a file of the project, also in a commit', async (t) => {
  const cwd = repository(t, { 'ci/pipeline.yml': good });
  symlinkSync('ci/pipeline.yml', join(cwd, '.cion.yml'));
  assert.equal((await cion(['check'], { cwd })).code, 0);
  assert.equal((await cion(['run', '--runtime', 'fake'], { cwd })).code, 0);
  commit(cwd);
  assert.equal((await cion(['run', '--runtime', 'fake', '--commit', 'HEAD'], { cwd })).code, 0);
});

test('an unknown stage is refused with the nearest name', async (t) => {
  const cwd = repository(t, { '.cion.yml': good });
  refuses(await cion(['run', '--runtime', 'fake', 'biuld'], { cwd }), /TARGET_UNKNOWN/, /Did you mean "build"/);
  refuses(await cion(['run', '--runtime', 'fake', '--only', 'biuld'], { cwd }), /Did you mean "build"/);
  refuses(await cion(['plan', 'biuld'], { cwd }), /Did you mean "build"/);
});

const wercker = `box: busybox
build: { steps: [{ script: { code: 'true' } }] }
deploy: { steps: [], staging: [{ script: { code: 'true' } }] }
`;

test('what is asked for and is not in the text is refused before the run has a number, also in a commit', async (t) => {
  const one = repository(t, { '.cion.yml': good });
  const several = repository(t, { 'wercker.yml': wercker });
  const fake = ['--runtime', 'fake'];
  for (const commit of [[], ['--commit', 'main']]) {
    refuses(await cion(['run', ...fake, ...commit, 'biuld'], { cwd: one }), /TARGET_UNKNOWN/, /Did you mean "build"/);
    refuses(await cion(['run', ...fake, ...commit, '--pipeline', 'cino'], { cwd: one }), /PIPELINE_UNKNOWN/);
    refuses(await cion(['run', ...fake, ...commit, '--pipeline', 'biuld'], { cwd: several }), /PIPELINE_UNKNOWN/, /Did you mean "build"/);
    const target = ['--pipeline', 'deploy', '--target', 'stagign'];
    refuses(await cion(['run', ...fake, ...commit, ...target], { cwd: several }), /DEPLOY_TARGET_UNKNOWN/, /Did you mean "staging"/);
  }
  for (const rev of [[], ['--rev', 'main']]) {
    refuses(await cion(['build', ...fake, ...rev, '--pipeline', 'biuld'], { cwd: several }), /PIPELINE_UNKNOWN/, /Did you mean "build"/);
    refuses(await cion(['build', ...fake, ...rev, '--pipeline', 'biuld'], { cwd: one }), /PIPELINE_UNKNOWN/);
  }
  for (const cwd of [one, several]) assert.match((await cion(['runs'], { cwd })).out, /no runs yet/);
  assert.equal((await cion(['run', ...fake, 'build'], { cwd: one })).code, 0);
  assert.match((await cion(['runs', '--json'], { cwd: one })).out, /"number":1,/);
});

test('a repository without a commit is the user’s to mend: exit 2, and what to do', async (t) => {
  const cwd = directory(t, { '.cion.yml': good });
  git(cwd, 'init', '--quiet');
  refuses(await cion(['run', '--runtime', 'fake'], { cwd }), /SOURCE_NO_COMMITS/, /has no commit yet/, /git commit/);
  assert.match((await cion(['runs', '--json'], { cwd })).out, /"outcome":"failed"/);
});

test('warnings are told from problems at a glance, in colour and in plain text', async (t) => {
  const cwd = repository(t, { 'wercker.yml': wercker.replace('code:', 'coed:') });
  const plain = await cion(['check'], { cwd });
  assert.deepEqual([plain.code, plain.out], [0, 'wercker.yml: no problems, 2 warnings, 1 stage\n']);
  assert.match(plain.err, /^wercker\.yml:2:\d+: warning: OPTION_UNKNOWN$[^]*Did you mean "code"\?/m);
  const coloured = await cion(['check'], { cwd, env: { FORCE_COLOR: '1' } });
  assert.ok(coloured.err.includes('\x1b[33m') && !coloured.err.includes('\x1b[31m'), coloured.err);
  const wrong = repository(t, { 'wercker.yml': wercker.replace('script', 'scirpt') });
  const refused = await cion(['check'], { cwd: wrong, env: { FORCE_COLOR: '1' } });
  refuses(refused, /Did you mean "script"\?/);
  assert.ok(!refused.err.includes('warning') && refused.err.includes('\x1b[31m'), refused.err);
});

test('a commit that is not there ends the run with a reason, within seconds (R-CIO-19)', async (t) => {
  const cwd = repository(t, { '.cion.yml': good });
  refuses(await cion(['run', '--runtime', 'fake', '--commit', 'gone-branch'], { cwd }), /gone-branch/);
  const run = JSON.parse((await cion(['runs', '--json'], { cwd })).out);
  assert.deepEqual([run.phase, run.outcome], ['finished', 'failed']);
  assert.match((await cion(['show'], { cwd })).out, /gone-branch/);
});

test('a missing outside variable stops the run before any stage, naming variable and stage; an empty one is a value (R-DCK-39, R-DCK-40)', async (t) => {
  const cwd = repository(t, { '.cion.yml': `${good}  env:\n    FAKE_PRINT_ENV: 1\n    GREETING: { outside: GREETING }\n` });
  const missing = await cion(['run', '--runtime', 'fake', '--json'], { cwd });
  refuses(missing, /\.cion\.yml:5:5: VARIABLE_MISSING/, /"build"/, /GREETING/);
  const docker = repository(t, { 'a.dockercise.yml': 'build:\n  img: busybox\n  env:\n    - GREETING\n    - TOKEN: { secret: TOKEN }\n' });
  const both = await cion(['run', '--runtime', 'fake'], { cwd: docker });
  refuses(both, /a\.dockercise\.yml:4:7: VARIABLE_MISSING/, /a\.dockercise\.yml:5:7: SECRET_MISSING/);
  assert.doesNotMatch(missing.out, /stage\.queued/);
  const empty = await cion(['run', '--runtime', 'fake', '--env', 'GREETING='], { cwd });
  assert.equal(empty.code, 0, empty.err);
  assert.match((await cion(['logs', 'build'], { cwd })).out, /^GREETING=$/m);
  const inherited = await cion(['run', '--runtime', 'fake'], { cwd, env: { GREETING: 'hi', OTHER: 'unasked' } });
  assert.equal(inherited.code, 0, inherited.err);
  const { out } = await cion(['logs', 'build'], { cwd });
  assert.match(out, /^GREETING=hi$/m);
  assert.doesNotMatch(out, /OTHER/);
});

test('an engine that does not answer is told with what to do: exit 3, and the run has ended with that reason (R-CIO-19)', async (t) => {
  const cwd = repository(t, { '.cion.yml': good });
  const env = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
  const result = await cion(['run'], { cwd, env });
  assert.equal(result.code, 3, result.out + result.err);
  assert.match(result.out + result.err, /[Nn]o Docker Engine answers at unix:\/\/\/nonexistent\/docker\.sock/);
  assert.match(result.err, /cion doctor/);
  assert.doesNotMatch(result.err, /\n\s+at /);
  assert.match((await cion(['runs', '--json'], { cwd })).out, /"outcome":"errored"/);
  const doctor = await cion(['doctor'], { cwd, env });
  assert.equal(doctor.code, 3);
  assert.match(doctor.out, /Docker Engine .*[Nn]o Docker Engine answers/);
});

test('mistakes in the command line are told in a line: exit 2', async (t) => {
  const cwd = repository(t, { '.cion.yml': good });
  refuses(await cion(['rnu'], { cwd }), /unknown command 'rnu'/, /Did you mean run/);
  refuses(await cion(['run', '--ony', 'build'], { cwd }), /unknown option '--ony'/);
  refuses(await cion(['run', '--concurrency', '0'], { cwd }), /at least 1/);
  refuses(await cion(['run', '--runtime', 'podman'], { cwd }), /Allowed choices are docker, fake/);
  refuses(await cion(['run', '/nonexistent/project'], { cwd }), /DIRECTORY_MISSING/);
  refuses(await cion(['show'], { cwd }), /RUN_UNKNOWN/, /cion run/);
  refuses(await cion(['run', '--env-file', 'nowhere.env'], { cwd }), /ENV_FILE_UNREADABLE/);
});

test('a directory without git is run as it is, and a commit of it is refused', async (t) => {
  const cwd = directory(t, { '.cion.yml': good });
  const result = await cion(['run', '--runtime', 'fake'], { cwd });
  assert.equal(result.code, 0, result.err);
  assert.match(result.out, /without a commit/);
  refuses(await cion(['run', '--runtime', 'fake', '--commit', 'HEAD'], { cwd }), /no git repository/);
});

test('a directory with a configuration of its own inside a bigger repository is refused when it is named; without one the root is run and named', async (t) => {
  const cwd = repository(t, { '.cion.yml': good, 'inner/.cion.yml': 'build:\n  image: other\n', 'plain/file': '' });
  for (const args of [
    ['run', '--runtime', 'fake', './inner'],
    ['-C', 'inner', 'plan'],
    ['-C', 'inner', 'check'],
  ]) {
    const result = await cion(args, { cwd });
    refuses(result, /PROJECT_NOT_ROOT/);
    assert.ok(result.err.includes(`${cwd} `) && result.err.includes(`${cwd}/inner`), result.err);
  }
  assert.match((await cion(['runs'], { cwd })).out, /no runs yet/);
  const named = await cion(['run', '--runtime', 'fake', './plain'], { cwd });
  assert.equal(named.code, 0, named.err);
  assert.ok(named.out.split('\n')[0]?.includes(`${cwd},`), named.out);
  const json = await cion(['-C', 'plain', 'run', '--runtime', 'fake', '--json'], { cwd });
  assert.ok(json.out.startsWith('{'), json.out);
  assert.equal((await cion(['-C', cwd, 'check'], { cwd: tmpdir() })).code, 0);
});
