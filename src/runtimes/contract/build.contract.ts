import assert from 'node:assert/strict';
import type { PrepareNote } from '../runtime.ts';
import { type ContractTest, notesInto, script, type TarEntry, tarOf, throwsCode } from './case.contract.ts';

const image = (context = '.', dockerfile = 'Dockerfile') => ({ kind: 'build', volume: 'source', context, dockerfile }) as const;

export const buildContract = (test: ContractTest): void => {
  test('an image is built from a Dockerfile once for one content, also side by side (R-DCK-54)', [], async (given) => {
    const { runtime, item, run, signal, subject } = given;
    const write = (content: string, at: Date, beside: string) =>
      runtime.write(
        { run, volume: 'source' },
        tarOf(
          { name: 'tool/Dockerfile', content: `FROM ${subject.image}\nCOPY made /made\nRUN echo ${run}\n`, mtime: at },
          { name: 'tool/made', content, mode: 0o755, mtime: at },
          { name: 'beside', content: beside },
        ),
        signal,
      );
    const build = async (runtime = subject.runtime) => {
      const notes: PrepareNote[] = [];
      const prepared = await runtime.prepare(
        item({ ...script('true'), image: image('tool', 'tool/Dockerfile') }),
        notesInto(notes),
        signal,
      );
      return { digest: prepared.image.digest, lines: notes.flatMap((note) => (note.kind === 'building' ? [note.line] : [])) };
    };
    await write('one', new Date(1e12), 'a');
    const both = await Promise.all([build(), build()]);
    assert.ok(both.some(({ lines }) => lines.some((line) => line.includes(`RUN echo ${run}`))));
    assert.equal(both[0]?.digest, both[1]?.digest);
    await write('one', new Date(1.1e12), 'b');
    const other = await build(subject.another());
    assert.deepEqual(other, { digest: both[0]?.digest, lines: [] });
    await write('two', new Date(1e12), 'a');
    const changed = await build(subject.another());
    assert.notEqual(changed.digest, both[0]?.digest);
    assert.notDeepEqual(changed.lines, []);
  });

  test(
    'a stage runs in the image that was built, with its ENTRYPOINT and USER, without what .dockerignore names (R-DCK-54)',
    ['built images'],
    async (given) => {
      const { drive, runtime, item, run, signal, subject } = given;
      const entries: readonly TarEntry[] = [
        { name: 'ctx/.dockerignore', content: 'secret*\n!secret-not\nnode_modules\n' },
        { name: 'ctx/secret', content: '' },
        { name: 'ctx/secret-not', content: '' },
        { name: 'ctx/node_modules/x', content: '' },
        { name: 'ctx/dir/größe', content: '' },
        { name: 'ctx/dir/run.sh', content: '#!/bin/sh\necho ran "$@"; id -u; find /ctx | sort', mode: 0o755 },
        { name: 'ctx/link', type: 'symlink', linkname: 'dir/größe' },
        {
          name: 'docker files/Dockerfile.x',
          content: `FROM ${subject.image}\nCOPY . /ctx\nUSER 1000\nENTRYPOINT ["/ctx/dir/run.sh"]\nCMD ["it"]\n`,
        },
      ];
      await runtime.write({ run, volume: 'source' }, tarOf(...entries), signal);
      const { text } = await drive(item({ image: image('ctx', 'docker files/Dockerfile.x'), command: { kind: 'image' } }));
      const found = text.split('\n').filter((line) => !line.includes('ocker'));
      assert.deepEqual(found, [
        'ran it',
        '1000',
        '/ctx',
        '/ctx/dir',
        '/ctx/dir/größe',
        '/ctx/dir/run.sh',
        '/ctx/link',
        '/ctx/secret-not',
        '',
      ]);
    },
  );

  test('what cannot be built says what is missing', [], async ({ prepare, runtime, item, run, signal }) => {
    await runtime.write({ run, volume: 'source' }, tarOf({ name: 'dir/x', content: '' }), signal);
    const building = (context: string, dockerfile: string) => prepare(item({ ...script('true'), image: image(context, dockerfile) }));
    await throwsCode(building('no-such', 'no-such/Dockerfile'), 'IMAGE_BUILD_FAILED', /directory "no-such"/);
    await throwsCode(building('dir', 'dir/Dockerfile'), 'IMAGE_BUILD_FAILED', /Dockerfile "dir\/Dockerfile"/);
  });

  test('a build that fails says so with its last lines', ['built images'], async ({ prepare, runtime, item, run, signal, subject }) => {
    const content = `FROM ${subject.image}\nRUN echo the reason; exit 3\n`;
    await runtime.write(
      { run, volume: 'source' },
      tarOf({ name: 'Dockerfile', content }, { name: 'wrong', content: 'NONSENSE\n' }),
      signal,
    );
    await throwsCode(prepare(item({ ...script('true'), image: image() })), 'IMAGE_BUILD_FAILED', /Dockerfile.*code: 3[^]*the reason/);
    await throwsCode(prepare(item({ ...script('true'), image: image('.', 'wrong') })), 'IMAGE_BUILD_FAILED', /wrong.*NONSENSE/i);
  });
};
