import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Entry, open } from 'yauzl';
import { dockerciseFor } from './dockercise-project.ts';
import { repository } from './repository.ts';

const undone: (() => Promise<void>)[] = [];
const dockercise = dockerciseFor('large', { after: (undo) => void undone.push(undo) });
after(async () => {
  for (const undo of undone) await undo();
});

const sizeOfLarge = 4_300_000_000;

test('a file of more than 4 GB is handed on and zipped, and cion does not hold it in its memory', { timeout: 900_000 }, async (t) => {
  const cwd = repository(t, {
    'a.dockercise.yaml': `
large: { img: busybox, run: "mkdir large && truncate -s ${sizeOfLarge} large/file && echo end >> large/file" }
use: { img: busybox, vol: large, run: "stat -c %s file; tail -c 4 file" }
`,
  });
  const running = dockercise.start(cwd, ['run']);
  await running.wrote('use    : Started');
  const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${running.process.pid}/status`, 'utf8'))?.[1]);
  const { code, stdout } = await running.ended;
  assert.equal(code, 0, stdout.toString());
  assert.ok(peak < 400_000, `${peak} kB`);
  assert.equal(await dockercise.logOf(cwd, 'use'), `${sizeOfLarge + 4}\nend\n`);
  const [run = ''] = readdirSync(join(cwd, '.cion/run')).filter((name) => name.startsWith('run_'));
  const zip = join(cwd, '.cion/run', run, 'large.zip');
  assert.ok(statSync(zip).size < 50_000_000);
  assert.deepEqual(await listed(zip), [['file', sizeOfLarge + 4]]);
});

const listed = (path: string): Promise<readonly (readonly [string, number])[]> =>
  new Promise((resolve, reject) => {
    open(path, {}, (failure, zip) => {
      if (failure) return reject(failure);
      const found: [string, number][] = [];
      zip.on('error', reject).on('end', () => resolve(found));
      zip.on('entry', (entry: Entry) => void found.push([entry.fileName, entry.uncompressedSize]));
    });
  });
