import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, test } from 'node:test';
import { dockerciseFor } from './dockercise-project.ts';
import { directory, repository } from './repository.ts';

/** Many files and odd ones, through the real engine. */
const undone: (() => Promise<void>)[] = [];
const dockercise = dockerciseFor('many', { after: (undo) => void undone.push(undo) });
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
find . -type f -exec sha256sum {} + | sed -n 's/^\\\\\\{0,1\\}\\([0-9a-f]\\{64\\}\\) .*/\\1/p' | LC_ALL=C sort | sha256sum
for l in $(find . -type l | LC_ALL=C sort); do echo "$l $(readlink "$l")"; done
`;

test('20,000 files with modes, links, empty directories and odd names are the same for the next stages and out of the zip', {
  timeout: 900_000,
}, async (t) => {
  const cwd = repository(t, {
    'a.dockercise.yaml': JSON.stringify({
      tree: { img: 'busybox', run: `${makeMany}ln -s ../../.. out-of-it\n${summed}` },
      copy: {
        img: 'busybox',
        vol: 'tree',
        run: `cat {tree} > /dockercise/said; mkdir /dockercise/some; cp -a [1-5] [a-z]* ü* /dockercise/some; cd /dockercise/some; rm out-of-it; ${summed}`,
      },
      use: { img: 'busybox', vol: 'tree', run: summed },
      'use-copy': { img: 'busybox', vol: 'copy', dir: 'copy/some', run: summed },
    }),
  });
  await dockercise.passes(cwd);
  const made = await dockercise.logOf(cwd, 'tree');
  assert.match(made, /^\.\/dangling nowhere\/at\/all\n(.*\n)*\.\/out-of-it \.\.\/\.\.\/\.\.$/m);
  assert.equal(await dockercise.logOf(cwd, 'use'), made);
  assert.equal(await dockercise.logOf(cwd, 'use-copy'), await dockercise.logOf(cwd, 'copy'));
  const to = directory(t);
  const extracted = await dockercise.run(cwd, ['artifacts', 'last', 'tree', '--extract', to]);
  assert.equal(extracted.code, 0, extracted.err);
  assert.equal(execFileSync('sh', ['-c', summed], { cwd: to, encoding: 'utf8' }), made);
});
