import assert from 'node:assert/strict';
import { type ContractTest, inputs, literals, script, tarOf } from './case.contract.ts';

export const fileContract = (test: ContractTest): void => {
  test('an input file is there before the command, though its value came last', [], async ({ prepare, start, drive, item }) => {
    const { files, given } = inputs({ '/in/file': 'late' });
    const held = item({ ...script('cat /in/file', { FAKE_PRINT_FILE: '/in/file' }), files });
    await prepare(held);
    assert.equal((await (await start(held, given)).exit).code, 0);
    assert.equal((await drive(item({ ...script('cat /in/file', { FAKE_PRINT_FILE: '/in/file' }), files }), given)).text, 'late');
  });

  test(
    'input files are read-only for root too, and for any user of the image whatever its workdir (R-DCK-21)',
    ['a shell'],
    async (given) => {
      const { drive, item } = given;
      const { files, given: values } = inputs({ '/work here/out/a stage': 'one\n', '/work here/out/empty': '', '/deep/er/file': 'two\n' });
      const say = [
        'cat "out/a stage" /deep/er/file; stat -c "%a %u" out/* /deep/er/file',
        'printf x 2>/dev/null >> out/empty || echo refused; printf x 2>/dev/null > out/new || echo refused; rm -f out/empty 2>/dev/null || echo refused',
        'chmod 777 /deep/er 2>/dev/null || echo refused',
      ].join('; ');
      const expected = `one\ntwo\n${'444 0\n'.repeat(3)}${'refused\n'.repeat(4)}`;
      for (const user of ['0', '1000', '7:1000']) {
        assert.equal((await drive(item({ ...script(say), workdir: '/work here', files, user }), values)).text, expected, user);
      }
    },
  );

  test('input files lie in a volume that the stage mounts, and are no part of it', [], async ({ drive, item, runtime, run, signal }) => {
    const { files, given } = inputs({ '/tree/out/stage': 'value' });
    const mounts = [{ kind: 'volume', volume: 'tree', path: '/tree', access: 'read-write' }] as const;
    const fake = { FAKE_PRINT_FILE: '/tree/out/stage', FAKE_WRITE: '{"/tree/own":"own"}' };
    const { text } = await drive(item({ ...script('cat out/stage; echo own > own', fake), workdir: '/tree', mounts, files }), given);
    assert.equal(text, 'value');
    assert.equal(await runtime.read({ run, volume: 'tree', directory: 'out/stage' }, signal), undefined);
    const other = await drive(item({ ...script('cat /tree/out/stage', { FAKE_PRINT_FILE: '/tree/out/stage' }), mounts }));
    assert.notEqual(other.exit.code, 0);
  });

  test(
    'an input file without a value is not there, and two that lie in one another’s directories are',
    ['a shell'],
    async ({ drive, item }) => {
      const { files, given } = inputs({ '/in/a': 'a\n', '/in/deep/b': 'b\n' });
      const optional = inputs({ '/in/c': '', '/other/d': '' }, { optional: true });
      const { text } = await drive(item({ ...script('cd /; find in other | sort'), files: [...files, ...optional.files] }), given);
      assert.equal(text, 'in\nin/a\nin/deep\nin/deep/b\nother\n');
    },
  );

  test('a private file is for the user of the command alone', ['a shell'], async ({ drive, item }) => {
    const { files, given } = inputs({ '/keys/id key': 'sesame' }, { private: true });
    const say = 'cat "/keys/id key"; stat -c " %a %u %g" "/keys/id key"; echo x 2>/dev/null > "/keys/id key" || echo refused';
    const of = async (user?: string) => (await drive(item({ ...script(say), files, ...(user === undefined ? {} : { user }) }), given)).text;
    assert.equal(await of(), 'sesame 400 0 0\nrefused\n');
    assert.equal(await of('1234:77'), 'sesame 400 1234 77\nrefused\n');
    assert.equal(await of('1234'), 'sesame 400 1234 0\nrefused\n');
  });

  test(
    'an input file is there again for the next attempt, and for another process',
    [],
    async ({ drive, prepare, start, item, subject }) => {
      const first = inputs({ '/in/file': 'first' });
      const plan = { name: 'again', ...script('cat /in/file', { FAKE_PRINT_FILE: '/in/file' }), files: first.files };
      assert.equal((await drive(item(plan, 1), first.given)).text, 'first');
      assert.equal((await drive(item(plan, 2), inputs({ '/in/file': 'second' }).given)).text, 'second');
      const handedOver = item(plan, 3);
      await prepare(handedOver);
      const other = subject.another();
      await prepare(handedOver, other);
      assert.equal((await (await start(handedOver, first.given, other)).exit).code, 0);
    },
  );

  test('~ is the home of the user who runs the command (R-DCK-37)', [], async ({ drive, item, runtime, run, signal }) => {
    const mounts = [{ kind: 'volume', volume: 'tree', path: '~/path/to mount', access: 'read-write' }] as const;
    const { files, given } = inputs({ '~/.config/token': 'token\n' });
    const write = { FAKE_WRITE: '{"/root/path/to mount/made":"made\\n"}', FAKE_PRINT_FILE: '/root/.config/token' };
    const root = await drive(item({ ...script('cat ~/.config/token; echo made > ~/"path/to mount/made"', write), mounts, files }), given);
    assert.equal(root.text, 'token\n');
    assert.ok((await runtime.read({ run, volume: 'tree' }, signal)) !== undefined);
    const told = { HOME: '/my home' };
    const read = { ...told, FAKE_PRINT_FILE: '/my home/path/to mount/made' };
    assert.equal((await drive(item({ ...script('cat "/my home/path/to mount/made"', read), mounts }))).text, 'made\n');
  });

  test('~ of an image with users is as its /etc/passwd says, or its ENV (R-DCK-37)', ['built images'], async (given) => {
    const { drive, item, runtime, run, signal, subject } = given;
    const lines = (home: string) => [
      `FROM ${subject.image}`,
      'RUN mkdir -p /etc/real && cp /etc/passwd /etc/real/p && echo "worker:x:1500:1600:W:/home/worker:/bin/sh" >> /etc/real/p && ln -sf real/p /etc/passwd',
      'RUN echo "crew:x:1700:" >> /etc/group',
      home,
      'USER worker',
    ];
    const source = tarOf(
      { name: 'plain/Dockerfile', content: lines('ENV A=b').join('\n') },
      { name: 'env/Dockerfile', content: lines('ENV HOME=/by-env').join('\n') },
    );
    await runtime.write({ run, volume: 'source' }, source, signal);
    const image = (context: string) => ({ kind: 'build', volume: 'source', context, dockerfile: `${context}/Dockerfile` }) as const;
    const { files, given: values } = inputs({ '~/.ssh/key': 'k' }, { private: true });
    const mounts = [{ kind: 'volume', volume: 'tree', path: '~/tree', access: 'read-write' }] as const;
    const say = 'echo x > ~/tree/x; ls -d ~/tree ~/.ssh/key; stat -c "%u %g" ~/.ssh/key; cat ~/.ssh/key';
    const of = async (context: string, user?: string) =>
      (await drive(item({ ...script(say), image: image(context), mounts, files, ...(user === undefined ? {} : { user }) }), values)).text;
    assert.equal(await of('plain'), '/home/worker/.ssh/key\n/home/worker/tree\n1500 1600\nk');
    assert.equal(await of('plain', '1500:crew'), '/home/worker/.ssh/key\n/home/worker/tree\n1500 1700\nk');
    assert.equal(await of('plain', 'root'), '/root/.ssh/key\n/root/tree\n0 0\nk');
    assert.equal(await of('env'), '/by-env/.ssh/key\n/by-env/tree\n1500 1600\nk');
  });

  test('HOME in the stage’s own env is where ~ is', ['a shell'], async ({ drive, item }) => {
    const { files, given } = inputs({ '~/x': 'x' });
    assert.equal(
      (await drive(item({ command: { kind: 'shell', script: 'cat ~/x; echo $HOME' }, env: literals({ HOME: '/h' }), files }), given)).text,
      'x/h\n',
    );
  });
};
