import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cion } from './cli.ts';
import { repository } from './repository.ts';

test('rerun without an argument is about the newest run', async (t) => {
  const cwd = repository(t, { '.cion.yml': 'build:\n  image: busybox\n' });
  const isRerun = async (run: string) => (await cion(['show', run, '--json'], { cwd })).out.includes('"kind":"run.rerun"');
  assert.match((await cion(['rerun', '--runtime', 'fake'], { cwd })).err, /RUN_UNKNOWN/);
  for (const number of [1, 2]) assert.equal((await cion(['run', '--runtime', 'fake'], { cwd })).code, 0, `run ${number}`);
  const again = await cion(['rerun', '--runtime', 'fake'], { cwd });
  assert.equal(again.code, 0, again.err);
  assert.deepEqual([await isRerun('1'), await isRerun('2')], [false, true]);
});
