import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dockerciseFor } from './dockercise-project.ts';
import { archiveOf, buildImage } from './engine.ts';
import { directory, repository, writeFiles } from './repository.ts';

/** What stages print, and what they are given: on the real engine. */
const undone: (() => Promise<void>)[] = [];
const suite = { after: (undo: () => Promise<void>) => void undone.push(undo) };
const dockercise = dockerciseFor('values', suite);

/** Has a working directory and a user of its own. */
let odd = '';
before(async () => {
  const folder = directory({ after: (undo) => void undone.push(undo as () => Promise<void>) });
  writeFiles(folder, {
    Dockerfile: 'FROM busybox\nRUN echo odd:x:1234:1234::/home/odd:/bin/sh >> /etc/passwd\nWORKDIR /srv\nUSER odd\n',
  });
  odd = await buildImage(suite, `cion-e2e/odd-${process.pid}`, archiveOf(folder));
});
after(async () => {
  for (const undo of undone.reverse()) await undo();
});

/** Every byte that is kept of the project's runs. */
const storedIn = (cwd: string): string =>
  readdirSync(join(cwd, '.cion'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(cwd, '.cion', name))
    .filter((path) => statSync(path).isFile())
    .map((path) => `${path}\n${readFileSync(path, 'latin1')}`)
    .join('\n');

test('what a stage prints is a file for those that read it: stdout only, byte for byte, read-only, whatever user and directory the image has (R-DCK-07, R-DCK-16, R-DCK-19, R-DCK-20, R-DCK-21, R-DCK-71, R-DCO-40, R-DCO-42, R-DCO-43)', async (t) => {
  const looks = (name: string, image: string, more = ''): string => `
${name}:
  img: ${image}
  ${more}
  run: |
    (cd out; echo *)
    od -c out/prints | head -n 3
    cmp out/prints {prints} && echo same
    (echo x > out/prints) 2>/dev/null || echo no writing
    rm -f out/prints 2>/dev/null || echo no removing
    (echo x > out/more) 2>/dev/null || echo nothing beside it
    pwd; id -u
`;
  const cwd = repository(t, {
    'a.dockercise.yaml': `
prints: { img: busybox, run: "printf 'a\\\\nb\\\\r\\\\n \\\\000c'; echo told aside >&2; [ -t 1 ] || echo no terminal >&2" }
unrelated: { img: busybox, run: echo unrelated }
pipes: { img: busybox, run: echo a | wc -c }
☃ it's $HOME & "co": { img: busybox, run: echo snow }
reads-snow: { img: busybox, run: "cat {☃ it's $HOME & \\"co\\"} \\"{☃ it's $HOME & \\"co\\"}\\"; echo out/*" }
${looks('as-root', 'busybox')}
${looks('as-its-user', odd)}
${looks('as-another', odd, 'user: "4321"')}
`,
  });
  await dockercise.passes(cwd);
  const seen = (user: string): string =>
    [
      'prints',
      '0000000   a  \\n   b  \\r  \\n      \\0   c',
      '0000010',
      'same',
      'no writing',
      'no removing',
      'nothing beside it',
      '/dockercise',
      user,
      '',
    ].join('\n');
  assert.equal(await dockercise.logOf(cwd, 'as-root'), seen('0'));
  assert.equal(await dockercise.logOf(cwd, 'as-its-user'), seen('1234'));
  assert.equal(await dockercise.logOf(cwd, 'as-another'), seen('4321'));
  assert.equal(await dockercise.logOf(cwd, 'pipes'), '2\n');
  assert.equal(await dockercise.logOf(cwd, 'reads-snow'), 'snow\nsnow\nout/☃ it\'s $HOME & "co"\n');
  const told = await dockercise.run(cwd, ['logs', 'last', 'prints']);
  assert.match(told.out + told.err, /told aside\nno terminal/);
});

const awkward = {
  SPACES: 'x  y ',
  QUOTES: `it's "quoted" \`so\``,
  DOLLARS: '$HOME ${PATH} $(id) \\n %s !',
  LINES: 'first\nsecond\n\nlast',
  EQUALS: 'a=b=c',
  EMPTY: '',
};
const show = `printf '[%s]\\n' "$SPACES" "$QUOTES" "$DOLLARS" "$LINES" "$EQUALS" "\${EMPTY-missing}"`;
const shown = Object.values(awkward)
  .map((value) => `[${value}]\n`)
  .join('');

test('variables from outside, from the text and from other stages arrive as they are, empty ones too, and outside ones are no part of the run (R-DCK-22, R-DCK-24, R-DCK-40, R-DCK-42, R-DCK-70, R-DCK-74, R-DCK-75)', async (t) => {
  const names = Object.keys(awkward);
  const cwd = repository(t, {
    'a.dockercise.yaml': JSON.stringify({
      'from-outside': { img: 'busybox', env: names, run: show },
      literal: { img: 'busybox', env: awkward, run: show },
      listed: { img: 'busybox', env: Object.entries(awkward).map(([name, value]) => `${name}=${value}`), run: show },
      session: { img: 'busybox', run: 'printf \'\\n  a  b\\n c="$d"  \\n\\n\'' },
      'from-a-stage': { img: 'busybox', env: 'session', run: `printf '[%s]' "$SESSION"` },
      region: { img: 'busybox', env: ['REGION', 'QUIET'], run: 'echo "$REGION"' },
    }),
  });
  await dockercise.passes(cwd, ['run'], { ...awkward, REGION: 'ap-southeast-2', QUIET: 'never-to-be-seen' });
  for (const stage of ['from-outside', 'literal', 'listed']) assert.equal(await dockercise.logOf(cwd, stage), shown, stage);
  assert.equal(await dockercise.logOf(cwd, 'from-a-stage'), '[a  b\n c="$d"]');
  assert.equal(await dockercise.logOf(cwd, 'region'), 'ap-southeast-2\n');
  const graph = await dockercise.run(cwd, ['plan'], { REGION: 'x' });
  assert.doesNotMatch(graph.out, /REGION|QUIET/);
  assert.ok(!storedIn(cwd).includes('never-to-be-seen'));
  assert.deepEqual(
    readdirSync(join(cwd, '.cion/run'), { recursive: true, encoding: 'utf8' }).filter((name) => /REGION|QUIET|SPACES/.test(name)),
    [],
  );
});

test('a variable that is missing outside fails the run before anything starts, and is named with its stage (R-DCK-39)', async (t) => {
  const cwd = repository(t, {
    'a.dockercise.yaml': 'first: { img: busybox, run: echo first }\nuse: { img: busybox, env: [NOT_THERE], after: first, run: printenv }\n',
  });
  const { code, out, err } = await dockercise.run(cwd, ['run']);
  assert.equal(code, 2);
  assert.match(err, /"?use"? .*NOT_THERE/);
  assert.doesNotMatch(out + err, /undefined/);
  assert.ok(!(await dockercise.events(cwd)).some(({ kind }) => kind === 'stage.started'));
  assert.equal(dockercise.left(), '');
});

test('what a stage with noLog prints and leaves reaches the others as variable, file and volume, and is kept and shown nowhere (R-DCK-83)', async (t) => {
  const cwd = repository(t, {
    'a.dockercise.yaml': `
token: { img: busybox, noLog: true, run: "n=$((4700 + 11)); echo hidden-$n; mkdir token; echo hidden-$n > token/file; echo hidden-$n >&2" }
as-variable: { img: busybox, env: token, run: 'echo "$TOKEN" | wc -c; echo "it is $TOKEN"' }
as-file: { img: busybox, run: 'wc -c < {token}; echo "it is $(cat {token})"' }
as-volume: { img: busybox, vol: token, env: token, run: 'wc -c < token/file; echo "it is $(cat token/file)"' }
`,
  });
  const ran = await dockercise.passes(cwd);
  for (const stage of ['as-variable', 'as-file', 'as-volume']) {
    assert.match(await dockercise.logOf(cwd, stage), /^12\nit is \*+\n$/, stage);
  }
  assert.ok(!`${ran.out}${ran.err}${storedIn(cwd)}`.includes('hidden-4711'));
  assert.deepEqual((await dockercise.documentOf(cwd, 'token')).logs, null);
});
