import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { stepRegistryServer } from '../src/steps/testing/step-registry-server.ts';
import { cion } from './cli.ts';

const project = (t: TestContext): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cion-e2e-steps-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, 'greet'));
  writeFileSync(join(directory, 'greet', 'run.sh'), 'echo hi\n');
  writeFileSync(join(directory, 'greet', 'step.yml'), 'name: greet\nversion: 1.0.0\nsummary: greets \x1b[31m\n');
  return directory;
};

test('a step is packed, published, fetched once and listed from the command line (R-WRK-27, R-WRK-65, R-WRK-116)', async (t) => {
  const cwd = project(t);
  const server = await stepRegistryServer({ token: 'secret-token' });
  t.after(() => server.close());
  const packed = await cion(['step', 'pack', 'greet'], { cwd });
  assert.match(packed.out, /^greet-1\.0\.0\.tar\.gz: greet 1\.0\.0, 2 files, .*sha256:[0-9a-f]{64}\n$/);
  assert.ok(existsSync(join(cwd, 'greet-1.0.0.tar.gz')));
  const env = { STEPS_REGISTRY: server.url.href, STEPS_REGISTRY_TOKEN: 'secret-token' };
  const published = await cion(['step', 'publish', 'greet', '--owner', 'ada'], { cwd, env });
  assert.deepEqual([published.code, published.err], [0, '']);
  const again = await cion(['step', 'publish', 'greet', '--owner', 'ada'], { cwd, env });
  assert.deepEqual([again.code, /STEP_UNPUBLISHED/.test(again.err), again.err.includes('secret-token')], [2, true, false]);
  const fetched = await cion(['step', 'fetch', 'ada/greet@1.0.0', '--steps-registry', server.url.href], { cwd });
  const [, tree = ''] = /^step ada\/greet@1\.0\.0 sha256:([0-9a-f]{64})\n$/.exec(fetched.out) ?? [];
  assert.ok(existsSync(join(cwd, '.cion', 'trees', `${tree}.tar`)), fetched.out + fetched.err);
  await server.close();
  const shown = await cion(['step', 'show', 'ada/greet@1.0.0'], { cwd });
  assert.equal(
    shown.out,
    `ada/greet@1.0.0\nsha256:${tree}\nfiles: run.sh, step.yml\n\nstep.yml:\n  name: greet\n  version: 1.0.0\n  summary: greets \n`,
  );
  const listed = await cion(['step', 'list'], { cwd, env: { COLUMNS: '200' } });
  assert.match(listed.out, /wercker\/npm-install +1\.0\.0 +comes with cion/);
  assert.match(listed.out, /ada\/greet +1\.0\.0 +http:/);
});

test('a step that is not there, or no step, is a Problem with exit code 2; nothing is asked over the network unasked (R-WRK-86, R-WRK-110)', async (t) => {
  const cwd = project(t);
  const unknown = await cion(['step', 'fetch', 'ada/greet'], { cwd });
  assert.deepEqual([unknown.code, /STEP_NO_REGISTRY/.test(unknown.err)], [2, true]);
  rmSync(join(cwd, 'greet', 'run.sh'));
  const empty = await cion(['step', 'show', 'greet "file://greet"'], { cwd });
  assert.deepEqual([empty.code, /STEP_NO_SCRIPT/.test(empty.err)], [2, true]);
  assert.equal((await cion(['step', 'publish', 'greet'], { cwd })).code, 2);
  assert.equal((await cion(['step', 'fetch', 'x', '--steps-registry', 'nonsense'], { cwd })).code, 2);
  assert.equal(readFileSync(join(cwd, '.cion', '.gitignore'), 'utf8'), '*\n');
});
