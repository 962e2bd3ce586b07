import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isEmpty, readYaml, type YamlNode } from './yaml.ts';

const read = (text: string | Uint8Array) => readYaml({ path: 'a.yml', bytes: Buffer.from(text) });

const nodeOf = (text: string | Uint8Array): YamlNode => {
  const answer = read(text);
  if (answer.ok) return answer.value;
  throw new Error(answer.problems.map(({ message }) => message).join('\n'));
};

/** The problems as `line:column CODE`. */
const problemsOf = (text: string | Uint8Array): readonly string[] => {
  const answer = read(text);
  if (answer.ok) return [];
  return answer.problems.map(({ code, range }) => `${range?.start.line}:${range?.start.column} ${code}`);
};

/** Maps as lists of pairs, to see order and every key. */
const plain = (node: YamlNode): unknown => {
  if (node.kind === 'scalar') return node.text;
  if (node.kind === 'list') return node.items.map(plain);
  return node.entries.map(({ key, value }) => [key.text, plain(value)]);
};

test('keeps the source text of scalars', () => {
  const scalars = ['1.10', 'yes', 'on', '0x1F', '~', 'null', '1e3', '0o17', '010', '1_000', '2024-01-01', '12:30:45', '.inf', '-0', 'True'];
  for (const scalar of scalars) assert.deepEqual(plain(nodeOf(`v: ${scalar}`)), [['v', scalar]]);
});

test('reads quoted and block texts as what they stand for', () => {
  assert.deepEqual(plain(nodeOf(`a: "1\\t\\u00e9"\nb: 'it''s'\nc: |\n  x\n  y\nd: >-\n  x\n  y\n`)), [
    ['a', '1\té'],
    ['b', "it's"],
    ['c', 'x\ny\n'],
    ['d', 'x y'],
  ]);
});

test('tells where every node stands, in lines and columns from 1', () => {
  const node = nodeOf('a: 1\nbc:\n  - "x y"  # comment\n');
  assert.equal(node.kind, 'map');
  if (node.kind !== 'map') return;
  const [, second] = node.entries;
  assert.deepEqual(second?.key.range, { file: 'a.yml', start: { line: 2, column: 1 }, end: { line: 2, column: 3 } });
  assert.equal(second.value.kind, 'list');
  if (second.value.kind !== 'list') return;
  assert.deepEqual(second.value.items[0]?.range, { file: 'a.yml', start: { line: 3, column: 5 }, end: { line: 3, column: 10 } });
});

test('reads empty files and files of comments as nothing', () => {
  for (const text of ['', '\n\n', '# only a comment', '---\n', '\ufeff']) assert.equal(isEmpty(nodeOf(text)), true, JSON.stringify(text));
  assert.equal(isEmpty(nodeOf('""')), false);
});

test('accepts a byte order mark and CRLF, and counts neither', () => {
  assert.deepEqual(plain(nodeOf('\ufeffa: 1\r\nb: |\r\n  x\r\n  y\r\n')), [
    ['a', '1'],
    ['b', 'x\ny\n'],
  ]);
  assert.deepEqual(problemsOf('\ufeffa: 1\r\na: 2\r\n'), ['2:1 DUPLICATE_KEY']);
});

test('refuses bytes that are no UTF-8, at the first wrong one', () => {
  assert.deepEqual(problemsOf(Buffer.concat([Buffer.from('a: é\nb: ü'), Buffer.from([0xff]), Buffer.from('\n')])), ['2:5 NOT_UTF8']);
  assert.deepEqual(problemsOf(Buffer.from([0x61, 0xe2, 0x82])), ['1:2 NOT_UTF8']);
  const utf16 = read(Buffer.from('\ufeffa: 1', 'utf16le'));
  assert.match(utf16.ok ? '' : (utf16.problems[0]?.hint ?? ''), /UTF-16/);
});

test('refuses tabs as indentation and says what to do', () => {
  assert.deepEqual(problemsOf('a:\n\tb: 1\n'), ['2:1 YAML_TAB']);
  assert.deepEqual(problemsOf('a:\n  b: 1\n  \tc: 2\n'), ['3:3 YAML_TAB']);
  assert.deepEqual(problemsOf('a:\n  - b: 1\n\t- c: 2\n'), ['3:1 YAML_TAB']);
  assert.deepEqual(plain(nodeOf('a: |\n  x\n  \ty\nb: x\ty\n')), [
    ['a', 'x\n\ty\n'],
    ['b', 'x\ty'],
  ]);
});

test('names both lines of a key that is given twice', () => {
  const answer = read('a: 1\nb: 2\n"a": 3\n');
  assert.match(answer.ok ? '' : (answer.problems[0]?.message ?? ''), /"a" is given twice, in line 1 and in line 3/);
  assert.deepEqual(problemsOf('x: {a: 1, a: 2, a: 3}'), ['1:11 DUPLICATE_KEY', '1:17 DUPLICATE_KEY']);
});

test('resolves anchors, aliases and merge keys', () => {
  assert.deepEqual(plain(nodeOf('a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}\nd: {<<: [{y: 4, z: 5}, *a]}\n')), [
    [
      'a',
      [
        ['x', '1'],
        ['y', '2'],
      ],
    ],
    [
      'b',
      [
        ['x', '1'],
        ['y', '2'],
      ],
    ],
    [
      'c',
      [
        ['y', '3'],
        ['x', '1'],
      ],
    ],
    [
      'd',
      [
        ['y', '4'],
        ['z', '5'],
        ['x', '1'],
      ],
    ],
  ]);
  assert.deepEqual(problemsOf('a: *nobody'), ['1:4 YAML_ALIAS']);
  assert.deepEqual(problemsOf('a: &a [*a]'), ['1:8 YAML_ALIAS']);
  assert.deepEqual(problemsOf('a: {<<: text}'), ['1:5 YAML_MERGE']);
});

test('refuses alias bombs', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 30; i++)
    lines.push(
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  assert.deepEqual(
    problemsOf(lines.join('\n')).map((problem) => problem.replace(/^\S+ /, '')),
    ['YAML_TOO_MANY_ALIASES'],
  );
  const chain = ['a0: &a0 x', ...Array.from({ length: 5000 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}]`)];
  assert.match(problemsOf(chain.join('\n')).join(), /YAML_TOO_DEEP/);
  const merges = [`a: &a {${Array.from({ length: 5000 }, (_, i) => `k${i}: 1`).join(', ')}}`, 'b:', ...Array(5000).fill('  - <<: *a')];
  assert.match(problemsOf(merges.join('\n')).join(), /YAML_TOO_MANY_ALIASES/);
});

test('refuses deep nesting of every kind without falling over', () => {
  const deep = ['[', '{a: ', '- ', '? ', 'a:\n'].map((unit) => unit.repeat(100_000));
  deep[4] = Array.from({ length: 900 }, (_, i) => `${' '.repeat(i)}a:\n`).join('');
  for (const text of deep) assert.match(problemsOf(text).join(), /YAML_TOO_DEEP/);
  assert.deepEqual(problemsOf(`${'['.repeat(90)}${']'.repeat(90)}`), []);
});

test('refuses several documents, tags, keys that are no text, and characters that no program can be given', () => {
  assert.deepEqual(problemsOf('a: 1\n---\nb: 1\n'), ['2:1 YAML_SEVERAL_DOCUMENTS']);
  assert.deepEqual(problemsOf('a: !foo 1\nb: !!int 2\nc: !!str 3\n'), ['1:9 YAML_TAG', '2:10 YAML_TAG']);
  assert.deepEqual(problemsOf('? [a, b]\n: c\n'), ['1:3 YAML_KEY']);
  assert.deepEqual(problemsOf('a: "x\\0y"\nb: "\\ud800"\n'), ['1:4 YAML_CHARACTER', '2:4 YAML_CHARACTER']);
});

test('tells the first syntax error with its place', () => {
  assert.deepEqual(problemsOf('a: b: c\n'), ['1:4 YAML_SYNTAX']);
  assert.deepEqual(problemsOf('a: [1, 2\nb: 3\n'), ['2:1 YAML_SYNTAX']);
  assert.deepEqual(problemsOf('b: "1"\na: "x\nc: 1\n'), ['2:4 YAML_SYNTAX']);
  assert.deepEqual(problemsOf('a: @x\n'), ['1:4 YAML_SYNTAX']);
  assert.deepEqual(problemsOf('a:\n    b: 1\n  c: 2\n'), ['3:1 YAML_SYNTAX']);
});

test('treats keys like __proto__ as ordinary ones', () => {
  assert.deepEqual(plain(nodeOf('__proto__: {x: 1}\nconstructor: 2\ntoString: 3\n')), [
    ['__proto__', [['x', '1']]],
    ['constructor', '2'],
    ['toString', '3'],
  ]);
  assert.equal('x' in {}, false);
});

test('reads 500 KB quickly, and refuses files beyond 1 MiB', () => {
  const started = process.cpuUsage();
  const lines = Array.from({ length: 25_000 }, (_, i) => `  KEY${i}: value ${i}\n`).join('');
  const node = nodeOf(`env:\n${lines}`);
  assert.ok(lines.length > 500_000);
  assert.equal(node.kind === 'map' && node.entries[0]?.value.kind === 'map' && node.entries[0].value.entries.length, 25_000);
  assert.equal(problemsOf('a:\n'.repeat(160_000)).length, 100);
  assert.ok(process.cpuUsage(started).user < 10_000_000);
  assert.match(problemsOf('#'.repeat(1024 * 1024 + 1)).join(), /CONFIG_TOO_LARGE/);
});

test('never throws, whatever the bytes are', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void read(bytes)));
  const yamlish = fc.array(
    fc.constantFrom(
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      ']',
      ', ',
      '&a ',
      '*a',
      '"',
      "'",
      '|',
      '>',
      '? ',
      '!',
      '#',
      '%',
      '---\n',
      '<<',
      '\t',
      '\r\n',
      '\\',
      '0',
    ),
  );
  fc.assert(
    fc.property(yamlish, (parts) => void read(parts.join(''))),
    { numRuns: 1000 },
  );
});
