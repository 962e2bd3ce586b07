import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { dockerciseFor } from './dockercise-project.ts';
import { engineSocket } from './engine.ts';
import { directory, repository } from './repository.ts';

/** The files that stages leave, and where others find them: on the real engine. */
const undone: (() => Promise<void>)[] = [];
const dockercise = dockerciseFor('volumes', { after: (undo) => void undone.push(undo) });
after(async () => {
  for (const undo of undone) await undo();
});

test('a stage leaves what it wrote and nothing else, for any number of others to read; two stages and two runs share no path, and it is gone afterwards (R-DCK-27, R-DCK-28, R-DCK-30, R-DCK-31, R-DCK-41, R-DCK-58, R-DCK-60, R-DCK-72)', async (t) => {
  const begins = 'find . -mindepth 1 ! -path "./out*" | sort; echo begun > mark';
  const cwd = repository(t, {
    'src/a.txt': 'of the project\n',
    'a.dockercise.yaml': `
says: { img: busybox, run: echo hello }
own: { img: busybox, run: "${begins.replaceAll('"', '\\"')}; cat out/says; mkdir own; echo mine > own/file; echo not kept > beside" }
plain: { img: busybox, vol: own, run: "${begins.replaceAll('"', '\\"')}; cat own/file out/says; mkdir -p deep/er; echo two > deep/er/file" }
both: { img: busybox, vol: [own, plain], run: "(cd own; find . -type f); (cd plain; find . -type f | sort); cat plain/deep/er/file; ls -A" }
first: &writer { img: busybox, vol: own, run: "(echo x > own/file) 2>/dev/null || echo no writing; (rm own/file) 2>/dev/null || echo no removing; cat own/file" }
second: *writer
kept: { img: busybox, run: "mkdir kept; echo nobody asks > kept/file" }
fails: { img: busybox, may-fail: true, run: "mkdir fails; echo anyway > fails/file; false" }
`,
  });
  for (const run of ['1', '2']) {
    await dockercise.passes(cwd);
    assert.equal(await dockercise.logOf(cwd, 'own', run), 'hello\n');
    assert.equal(await dockercise.logOf(cwd, 'plain', run), './own\n./own/file\nmine\nhello\n');
    assert.equal(await dockercise.logOf(cwd, 'both', run), './file\n./deep/er/file\n./mark\ntwo\nown\nplain\n');
    assert.equal(await dockercise.logOf(cwd, 'first', run), 'no writing\nno removing\nmine\n');
    assert.equal(await dockercise.logOf(cwd, 'second', run), 'no writing\nno removing\nmine\n');
    assert.deepEqual(await dockercise.filesOf(cwd, 'own', run), ['file']);
    assert.deepEqual(await dockercise.filesOf(cwd, 'kept', run), ['file']);
    assert.deepEqual([...(await dockercise.filesOf(cwd, 'plain', run))].sort(), ['deep/', 'deep/er/', 'deep/er/file', 'mark']);
    assert.deepEqual(await dockercise.filesOf(cwd, 'both', run), []);
    assert.equal((await dockercise.run(cwd, ['artifacts', run, 'fails', '--get', 'file'])).out, 'anyway\n');
    assert.equal(dockercise.left(), '');
  }
});

test('a stage begins in the one volume that it does not name, in the clone where that is all there is (R-DCO-48)', async (t) => {
  const cwd = repository(t, {
    'a.dockercise.yaml': `
clone: { img: busybox, run: mkdir -p repository/.git && echo found > repository/file.yaml }
two: { img: busybox, run: mkdir one other && echo found > one/file.yaml }
own: { img: busybox, run: mkdir own && echo found > own/file.yaml }
secret: { img: busybox, noLog: true, run: mkdir one && echo found > one/file.yaml }
in-clone: { img: busybox, vol: clone, run: "pwd; cat file.yaml", done: pwd }
in-two: { img: busybox, vol: two, run: "pwd; cat one/file.yaml" }
in-own: { img: busybox, vol: own, run: "pwd; cat file.yaml {clone}" }
in-secret: { img: busybox, vol: secret, run: "pwd; cat one/file.yaml" }
named: { img: busybox, vol: clone, run: "pwd; cat clone/repository/file.yaml" }
said: { img: busybox, vol: clone, dir: ., run: "pwd" }
`,
  });
  await dockercise.passes(cwd);
  const logs = await Promise.all(
    ['in-clone', 'in-clone.done', 'in-two', 'in-own', 'in-secret', 'named', 'said'].map((stage) => dockercise.logOf(cwd, stage)),
  );
  assert.deepEqual(logs, [
    '/dockercise/clone/repository\nfound\n',
    '/dockercise/clone/repository\n',
    '/dockercise/two\nfound\n',
    '/dockercise/own\nfound\n',
    '/dockercise/secret\nfound\n',
    '/dockercise\nfound\n',
    '/dockercise\n',
  ]);
});

test('a directory of the machine is a volume where that is allowed, and refused to its stage where not (R-DCK-73)', {
  skip: engineSocket === undefined && 'the engine is not on this machine',
}, async (t) => {
  const outside = directory(t, { 'given.txt': 'from outside\n' });
  chmodSync(outside, 0o777);
  const cwd = repository(t, {
    'a.dockercise.yaml': JSON.stringify({
      first: { img: 'busybox', run: 'echo first' },
      write: { img: 'busybox', after: 'first', vol: `${outside}:/there`, run: 'cat /there/given.txt; echo taken > /there/taken.txt' },
      read: { img: 'busybox', after: 'write', vol: `${outside}:/there:ro`, run: '(echo x > /there/x) 2>/dev/null || cat /there/taken.txt' },
    }),
  });
  const refused = await dockercise.run(cwd, ['run']);
  assert.equal(refused.code, 3, refused.err);
  assert.match(refused.err + refused.out, /HOST_PATH_REFUSED/);
  assert.ok(refused.out.includes(outside));
  const events = await dockercise.events(cwd);
  assert.ok(!events.some((event) => event.kind === 'stage.started' && event.stage === 'write'));
  const elsewhere = await dockercise.run(cwd, ['run', '--allow-host-path', join(outside, 'deeper')]);
  assert.equal(elsewhere.code, 3, elsewhere.err);
  await dockercise.passes(cwd, ['run', '--allow-host-path', outside]);
  assert.equal(await dockercise.logOf(cwd, 'write'), 'from outside\n');
  assert.equal(await dockercise.logOf(cwd, 'read'), 'taken\n');
  assert.equal(readFileSync(join(outside, 'taken.txt'), 'utf8'), 'taken\n');
  writeFileSync(join(outside, 'given.txt'), '');
});
