import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cion } from './cli.ts';
import { directory, repository } from './repository.ts';

test('artifacts with odd names are extracted; one that cannot be is named, exit 3, and the rest is there', async (t) => {
  const written = JSON.stringify({ '/cion/artifacts/a\\b': 'odd', '/cion/artifacts/taken': 'file', '/cion/artifacts/z': 'last' });
  const cwd = repository(t, { '.cion.yml': JSON.stringify({ build: { image: 'busybox', env: { FAKE_WRITE: written } } }) });
  const ran = await cion(['run', '--runtime', 'fake'], { cwd });
  assert.equal(ran.code, 0, ran.out + ran.err);
  const free = directory(t);
  const whole = await cion(['artifacts', '1', '--extract', free], { cwd });
  assert.equal(whole.code, 0, whole.err);
  assert.equal(readFileSync(join(free, 'a\\b'), 'utf8'), 'odd');
  const to = directory(t, { 'taken/there': 'before' });
  const partly = await cion(['artifacts', '1', '--extract', to], { cwd });
  assert.equal(partly.code, 3, partly.err);
  assert.match(partly.err, /"taken" is left out: .* is a directory/);
  assert.deepEqual([readFileSync(join(to, 'z'), 'utf8'), readFileSync(join(to, 'taken/there'), 'utf8')], ['last', 'before']);
});
