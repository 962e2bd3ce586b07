import assert from 'node:assert/strict';
import { reference } from '../../plan/stage.ts';
import type { Item } from '../runtime.ts';
import { type Case, type ContractTest, script, tarOf } from './case.contract.ts';

const run = async ({ prepare, start }: Case, item: Item) => {
  await prepare(item);
  const execution = await start(item, { env: { TOKEN: { value: 'open sesame', secret: true } } });
  assert.equal((await execution.exit).code, 0);
  return execution;
};

export const commitContract = (test: ContractTest): void => {
  test('an image without a name is one of the run’s own, the same each time, and gone with it', [], async (given) => {
    const { item, runtime, run: id, signal } = given;
    const execution = await run(given, item({ ...script('echo made > /made'), name: 'An odd/näme' }));
    const one = await execution.commit([], signal);
    assert.match(one.reference, /^[a-z0-9._-]+:[\w][\w.-]{0,127}$/);
    assert.deepEqual(await execution.commit([], signal), one);
    const swept = await runtime.sweep({ kind: 'run', run: id }, signal);
    assert.equal(swept.images, 1);
    assert.equal((await runtime.sweep({ kind: 'run', run: id }, signal)).images, 0);
  });

  test(
    'a later stage runs what was committed: files, ENTRYPOINT and all of the image, nothing of the container',
    ['built images'],
    async (given) => {
      const { item, drive, runtime, run: id, signal, subject } = given;
      const dockerfile = `FROM ${subject.image}\nENV OF_IMAGE=yes\nLABEL theirs=kept\nWORKDIR /home\nENTRYPOINT ["/bin/sh", "-c"]\nCMD ["cat /made; env"]\n`;
      await runtime.write({ run: id, volume: 'source' }, tarOf({ name: 'Dockerfile', content: dockerfile }), signal);
      const making = item({
        ...script('echo made > /made; echo not-in-it > /tree/x; rm /bin/vi', { LITERAL: 'literal' }),
        image: { kind: 'build', volume: 'source', context: '.', dockerfile: 'Dockerfile' },
        workdir: '/tmp',
        mounts: [{ kind: 'volume', volume: 'tree', path: '/tree', access: 'read-write' }],
      });
      const execution = await run(given, making);
      const { reference: name, digest } = await execution.commit([], signal);
      const using = item({ image: reference(name), command: { kind: 'image' } });
      const { text } = await drive(using);
      assert.match(text, /^made\n/);
      assert.match(text, /^OF_IMAGE=yes$/m);
      assert.doesNotMatch(text, /literal|sesame|cion/);
      const { text: seen } = await drive(item({ ...script('pwd; ls /tree; ls /bin/vi 2>/dev/null || echo gone'), image: reference(name) }));
      assert.equal(seen, '/home\ngone\n');
      const records = (await subject.imageRecords?.(name)) ?? '';
      assert.match(records, new RegExp(digest));
      assert.match(records, /theirs/);
      assert.doesNotMatch(records, /literal|sesame|never let go|cion\.(stage|attempt|nonce|role)/i);
    },
  );

  test('an image with names has them all, and outlives the run', ['built images'], async (given) => {
    const { item, drive, runtime, run: id, signal, subject } = given;
    const execution = await run(given, item(script('echo named > /made')));
    const tag = id.toLowerCase();
    const names = [`cion-contract/one:${tag}`, `127.0.0.1:5000/cion-contract/two:${tag}`];
    try {
      const { reference: first, digest } = await execution.commit(names, signal);
      assert.equal(first, names[0]);
      assert.equal((await execution.commit(names, signal)).digest, digest);
      assert.equal((await runtime.sweep({ kind: 'run', run: id }, signal)).images, 0);
      for (const name of names) assert.equal((await drive(item({ ...script('cat /made'), image: reference(name) }))).text, 'named\n');
      assert.doesNotMatch((await subject.imageRecords?.(first)) ?? '', /cion\.run|cion\.namespace/);
    } finally {
      await runtime.sweep({ kind: 'run', run: id }, signal);
      await subject.removeImages?.(names);
    }
  });
};
