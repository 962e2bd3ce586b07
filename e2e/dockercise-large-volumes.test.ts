import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Entry, open } from 'yauzl';
import { dockerciseFor } from './dockercise-project.ts';
import { directory, repository } from './repository.ts';

/** Many files, odd ones, and large ones, through the real engine. */
const undone: (() => Promise<void>)[] = [];
const dockercise = dockerciseFor('large', { after: (undo) => void undone.push(undo) });
after(async () => {
  for (const undo of undone) await undo();
});

/** 20,000 files of 10 kB each, and what is not a plain file with a plain name. */
const makeMany = `
mkdir tree && cd tree
block=$(head -c 7500 /dev/urandom | base64)
for d in $(seq 100); do
  mkdir "$d"
  for f in $(seq 200); do echo "$d $f $block" > "$d/$f"; done
done
mkdir -p empty/deep ünïcode/☃ 'with space'
mkdir -m 0711 closed
echo snow > 'ünïcode/☃/日本 語 😀'
echo lines > 'with space/two
lines'
echo x > program && chmod 0755 program
echo x > read-only && chmod 0400 read-only
echo x > all && chmod 0666 all
ln -s 1/1 link
ln -s nowhere/at/all dangling
ln -s /etc absolute
ln -s 'ünïcode/☃' 'ünïcode-link'
`;
/** Modes, kinds and names; contents; links. */
const summed = `
find . -mindepth 1 ! -type l -exec stat -c '%a %F %n' {} + | LC_ALL=C sort | sha256sum
find . -type f -exec sha256sum {} + | LC_ALL=C sort | sha256sum
for l in $(find . -type l | LC_ALL=C sort); do echo "$l $(readlink "$l")"; done
`;

test('20,000 files with modes, links, empty directories and odd names are the same for the next stages and out of the zip', {
  timeout: 170_000,
}, async (t) => {
  const cwd = repository(t, {
    'a.dockercise.yaml': JSON.stringify({
      tree: { img: 'busybox', run: `${makeMany}ln -s ../../.. out-of-it\n${summed}` },
      copy: {
        img: 'busybox',
        vol: 'tree',
        run: `cp -a {tree} /dockercise/said; cp -a /dockercise/tree /dockercise/inner; rm inner/out-of-it`,
      },
      use: { img: 'busybox', vol: 'tree', run: summed },
      'use-copy': { img: 'busybox', vol: 'copy', dir: 'copy/inner', run: summed },
    }),
  });
  await dockercise.passes(cwd);
  const made = await dockercise.logOf(cwd, 'tree');
  assert.match(made, /^\.\/dangling nowhere\/at\/all\n(.*\n)*\.\/out-of-it \.\.\/\.\.\/\.\.$/m);
  assert.equal(await dockercise.logOf(cwd, 'use'), made);
  assert.equal(await dockercise.logOf(cwd, 'use-copy'), made.replace('./out-of-it ../../..\n', ''));
  const to = directory(t);
  const extracted = await dockercise.run(cwd, ['artifacts', 'last', 'tree', '--extract', to]);
  console.log(extracted.code, extracted.err.slice(0, 500), extracted.out.slice(-300));
  assert.equal(execFileSync('sh', ['-c', summed], { cwd: to, encoding: 'utf8' }), made);
});

const sizeOfLarge = 4_500_000_000;

test('a file of more than 4 GB is handed on and zipped, and cion does not hold it in its memory', { timeout: 170_000 }, async (t) => {
  const cwd = repository(t, {
    'a.dockercise.yaml': `
large: { img: busybox, run: "mkdir large && truncate -s ${sizeOfLarge} large/file && echo end >> large/file" }
use: { img: busybox, vol: large, run: "stat -c %s file; tail -c 4 file; read line" }
`,
  });
  const running = dockercise.start(cwd, ['run']);
  await running.wrote('use    : Started');
  const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${running.process.pid}/status`, 'utf8'))?.[1]);
  const { code, stdout } = await running.ended;
  console.log(peak, code, stdout.toString());
  assert.ok(peak < 400_000, `${peak} kB`);
  assert.equal(await dockercise.logOf(cwd, 'use'), `${sizeOfLarge + 4}\nend\n`);
  const [run = ''] = readdirSync(join(cwd, '.cion/run')).filter((name) => name.startsWith('run_'));
  const zip = join(cwd, '.cion/run', run, 'large.zip');
  assert.ok(statSync(zip).size < 50_000_000);
  assert.deepEqual(await unzippedSize(zip), { name: 'file', bytes: sizeOfLarge + 4 });
});

/** Of the one file in a zip; reads all of it, and what it reads has to have the checksum that the zip says. */
const unzippedSize = (path: string): Promise<{ readonly name: string; readonly bytes: number }> =>
  new Promise((resolve, reject) => {
    open(path, {}, (failure, zip) => {
      if (failure) return reject(failure);
      zip.on('error', reject).on('entry', (entry: Entry) => {
        zip.openReadStream(entry, (error, stream) => {
          if (error) return reject(error);
          let bytes = 0;
          stream.on('error', reject);
          stream.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
          });
          stream.on('end', () => resolve({ name: entry.fileName, bytes }));
        });
      });
    });
  });
