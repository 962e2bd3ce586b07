import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { namesFromHere, referring } from './references.ts';

const refer = (script: string, ...names: readonly string[]) => referring(script, new Set(names));

test('a stage named in a script as out/x or {x} is one that it needs (R-DCK-45)', () => {
  for (const script of [
    'cat out/a | jq .b',
    'cat {a}',
    'cat ./out/a',
    'cat ../out/a',
    'cat "$PWD/out/a"',
    'cat "${PWD}/out/a"',
    'x=$(cat out/a)',
    'echo "$(cat "out/a")"',
    'tool --file=out/a',
    'tool file://out/a; true',
    'cat <out/a>x',
    'cat /dockercise/out/a',
    "sh -c 'cat out/a'",
    'curl -d @{a} x',
    'cat <<E\n$(cat out/a) isn’t\nE',
    "cat <<'E' >f\nit's {a}\nE",
    'echo `cat {a}`',
    'echo don\\\'t "it\'s" && cat {a}',
    "# it's a comment\ncat out/a",
  ]) {
    assert.deepEqual(refer(script, 'a', 'b').stages, ['a'], script);
  }
});

test('shell braces, ${VAR} and names that are no stage are left alone (R-DCK-46)', () => {
  for (const script of [
    'echo ${a} ${a:-b} ${a:-{a}} ${x:-out/a}',
    'echo {a,b} {1..3} { a; } {c} out/c',
    'echo {{a}} {{.a}}',
    "docker ps --format '{{a}}'",
    'echo $((1<<2)) lay-out/a about/a x.out/a sub/out/a ~/out/a /out/a',
    'echo out/ab out/a-b out/a_b out/a.b out/a/b out/',
    'true # cat out/a {a}',
    'echo \\{a}',
    "awk '{ print a }'",
  ]) {
    assert.deepEqual(refer(script, 'a'), { script, stages: [], mistaken: [] }, script);
  }
});

test('what is nearly the name of a stage is told, once, and left as it stands (R-DCK-46)', () => {
  const hint = 'Did you mean "build"?';
  const script = 'cat {biuld} out/biuld "{biuld}" ./out/Build';
  assert.deepEqual(refer(script, 'build', 'test'), {
    script,
    stages: [],
    mistaken: [
      { written: '{biuld}', hint },
      { written: 'out/biuld', hint },
      { written: 'out/Build', hint },
    ],
  });
  for (const fine of [
    'cat {build} out/build out/build.json',
    '${biuld} {{biuld}} ${x:-{biuld}} /out/biuld out/biuld/file out/biuld.txt # {biuld}',
    'echo {biuld,test} { biuld; } {a} {result} out/b',
    'echo \\{biuld}',
  ]) {
    assert.deepEqual(refer(fine, 'build', 'test', 'b').mistaken, [], fine);
  }
  assert.equal(refer(Array.from({ length: 1000 }, (_, n) => `{build${n}}`).join(' '), 'build').mistaken.length, 50);
});

test('a relative path is told from other words (R-DCO-48)', () => {
  for (const script of ['cat a/f', 'cd a && ls', 'cat ./a/f', 'x file://a/f', 'ls "$PWD/a"', 'ls ../a', 'ls --in=a', "cat 'a/f'"]) {
    assert.equal(namesFromHere(script, 'a'), true, script);
  }
  for (const script of [
    'cat {b}',
    'ls /a',
    'ls b/a',
    'ls ~/a',
    'ls a.b',
    'ls a-b',
    'ls b.a',
    'x https://a.b/a/c',
    'ls $HOME/a',
    'ls ab ba',
  ]) {
    assert.equal(namesFromHere(script, 'a'), false, script);
  }
});

test('the longest name that fits is meant', () => {
  assert.deepEqual(refer('cat out/a-b out/a out/a.json', 'a', 'a-b', 'a.json').stages, ['a-b', 'a', 'a.json']);
  assert.deepEqual(refer('cat out/☃ out/snow', '☃', 'snow', 'sno').stages, ['☃', 'snow']);
  assert.deepEqual(refer('cat out/a b', 'a', 'a b').stages, ['a']);
  assert.deepEqual(refer('cat "out/a b"', 'a', 'a b').stages, ['a b']);
});

const shell = (script: string): string => execFileSync('sh', ['-c', script], { encoding: 'utf8' });

const around: readonly ((inner: string) => string)[] = [
  (inner) => `printf %s ${inner}`,
  (inner) => `printf %s "${inner}"`,
  (inner) => `printf %s '${inner}'`,
  (inner) => `printf %s "$(printf %s ${inner})"`,
  (inner) => `printf %s "$(printf %s "${inner}")"`,
  (inner) => `printf '%s' "it's" >/dev/null; printf %s ${inner}`,
  (inner) => `cat <<E | tr -d '\\n'\n${inner}\nE\n`,
  (inner) => `cat <<'E' | tr -d '\\n'\n${inner}\nE\n`,
  (inner) => `cat <<A <<-"B" | tr -d '\\n'\nfirst isn't read\nA\n\t${inner}\n\tB\n`,
  (inner) => `(true) # it's\nx=$((1 << 2)); y=\${x:-'"'}; printf %s ${inner}`,
];

const oddName = fc
  .string({
    unit: fc.constantFrom('a', '-', ' ', "'", '"', '$', '`', '*', '!', '#', ';', '&', 'é', '☃', '~', '(', ')', '%'),
    minLength: 1,
    maxLength: 5,
  })
  .filter((name) => !/^[-.\s]|\s$/.test(name));

test('the path in place of {x} is one word for the shell, whatever the name and the quotes around it (R-DCO-40, R-DCO-42)', () => {
  fc.assert(
    fc.property(oddName, fc.nat(around.length - 1), (name, i) => {
      const { script, stages } = refer(around[i]?.(`{${name}}`) ?? '', name);
      assert.deepEqual(stages, [name]);
      assert.equal(shell(script), `/dockercise/out/${name}`);
    }),
    { numRuns: 150 },
  );
});

test('in old substitutions too', () => {
  for (const name of ['a', "it's", '$x', 'a b'])
    assert.equal(shell(refer(`printf %s "\`printf %s {${name}}\`"`, name).script), `/dockercise/out/${name}`);
});

test('never throws and changes nothing but references, in linear time', () => {
  const token = fc.constantFrom(
    '{a}',
    '{',
    '}',
    '${',
    '$(',
    '$((',
    '(',
    ')',
    '`',
    '"',
    "'",
    '\\',
    '\n',
    '<<E',
    "<<'E'",
    'E',
    '#',
    ' ',
    'x',
    'out/',
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 30 }), (tokens) => {
      const script = tokens.join('');
      assert.equal(refer(script, 'other').script, script);
      refer(script, 'a');
    }),
    { numRuns: 2000 },
  );
  for (const part of ['$(', '`', '${', '"', "'", '(', '<<E\n', '<<E $(', 'out/', '{', '\\', '#']) {
    const started = process.cpuUsage();
    refer(part.repeat(200_000 / part.length), 'a');
    assert.ok(process.cpuUsage(started).user < 5_000_000, part);
  }
});
