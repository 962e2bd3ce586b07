import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mirrorFile, readMirror } from './mirror-file.ts';

test('what is due, what is there and where is known to the next process, whatever a crash cut short', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'cion-mirror-'));
  t.after(() => rm(dir, { recursive: true }));
  assert.equal(readMirror(dir, 'run_1'), undefined);
  const file = mirrorFile(dir, 'run_1');
  const place = { url: 's3://bucket', endpoint: 'http://127.0.0.1:1' };
  file.place(place);
  file.due(['a.log', 'a.zip', 'a.json']);
  file.done('a.log', true);
  file.done('a.zip', false);
  await appendFile(join(dir, 'state/run_1/mirror.jsonl'), '\n{"kind":"done","pa');
  assert.deepEqual(readMirror(dir, 'run_1'), { place, due: ['a.json'], there: ['a.log'] });
  mirrorFile(dir, 'run_1').due(['a.log']);
  assert.deepEqual(readMirror(dir, 'run_1')?.due, ['a.json', 'a.log']);
  mirrorFile(dir, 'run_1').place({ url: 's3://another' });
  assert.deepEqual(readMirror(dir, 'run_1'), { place: { url: 's3://another' }, due: [], there: [] });
});

test('a file that cannot be read is told', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'cion-mirror-'));
  t.after(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, 'state'), '');
  assert.throws(() => readMirror(dir, 'run_1'), { code: 'STATE_UNREADABLE' });
  assert.throws(() => mirrorFile(dir, 'run_1').due([]), { code: 'STATE_UNWRITABLE' });
});
