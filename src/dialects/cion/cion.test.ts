import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Plan, Stage } from '../../plan/plan.ts';
import { planDigest } from '../../plan/digest.ts';
import type { Problem } from '../../plan/problem.ts';
import { cionDialect } from './cion.ts';

const compile = (text: string | Uint8Array) => cionDialect.compile([{ path: '.cion.yml', bytes: Buffer.from(text) }]);

const planOf = (text: string): Plan => {
  const compiled = compile(text);
  if (compiled.ok) return compiled.plan;
  throw new Error(compiled.problems.map(({ message }) => message).join('\n'));
};

const stagesOf = (text: string): ReadonlyMap<string, Stage> =>
  new Map(planOf(text).nodes.flatMap((node) => (node.kind === 'stage' ? [[node.name, node]] : [])));

const stageOf = (text: string, name: string): Stage => {
  const stage = stagesOf(text).get(name);
  assert.ok(stage, `no stage ${name}`);
  return stage;
};

/** Literal variables only. */
const envOf = (stage: Stage): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(stage.env).map(([name, value]) => [name, value.kind === 'literal' ? value.value : value.kind]));

const accessTo = (stage: Stage, path: string): string | undefined =>
  stage.mounts.flatMap((mount) => (mount.kind === 'volume' && mount.path === path ? [mount.access] : []))[0];

const problemsOf = (text: string | Uint8Array): readonly Problem[] => {
  const compiled = compile(text);
  return compiled.ok ? [] : compiled.problems;
};

const seedExample = `build:
  - image: rohan/my-build-image
  - env: # additional environment variables for the build container
      key1: val1
      key2: val2

release:
  - image: rohan/my-release-image
  - env: # additional environment variables for the release container
      key3: val3
      key4: val4
`;

test('wants the .cion.yml of the root and nothing else (R-CIO-20)', () => {
  assert.deepEqual(cionDialect.wants(['README.md', '.cion.yml', 'src/.cion.yml']), ['.cion.yml']);
  assert.deepEqual(cionDialect.wants(['sub/.cion.yml', '.cion.yaml', 'cion.yml', '.CION.yml', '.cion.yml/x']), []);
  const bytes = Buffer.from('build: { image: busybox }');
  assert.equal(cionDialect.compile([{ path: 'sub/.cion.yml', bytes }]).ok, false);
});

test('reads the example of the specification as it stands, comments included (R-CIO-22, R-CIO-29, R-CIO-30)', () => {
  const { build, release } = Object.fromEntries(stagesOf(seedExample));
  assert.ok(build && release);
  assert.deepEqual(build.image, { kind: 'reference', reference: 'rohan/my-build-image' });
  assert.deepEqual(release.image, { kind: 'reference', reference: 'rohan/my-release-image' });
  assert.equal(envOf(build)['key1'], 'val1');
  assert.equal(envOf(build)['key2'], 'val2');
  assert.equal(envOf(release)['key3'], 'val3');
  assert.equal(envOf(release)['key4'], 'val4');
});

test('gives each container the documented variables and its own section’s, no others (R-CIO-31, R-CIO-41, R-CIO-44, R-CIO-49, R-CIO-50)', () => {
  const text = `${seedExample}test:\n  image: busybox\n  env: { key5: val5 }\n`;
  const directories = { BUILD_DIR: '/cion/build', ARTIFACTS_DIR: '/cion/artifacts' };
  assert.deepEqual(envOf(stageOf(text, 'build')), { ...directories, key1: 'val1', key2: 'val2' });
  assert.deepEqual(envOf(stageOf(text, 'test')), { ...directories, key5: 'val5' });
  assert.deepEqual(envOf(stageOf(text, 'release')), { ARTIFACTS_DIR: '/cion/artifacts', key3: 'val3', key4: 'val4' });
});

test('mounts the commit and the artifacts where the variables say (R-CIO-42, R-CIO-43, R-CIO-48)', () => {
  const text = `${seedExample}test: { image: busybox }\n`;
  for (const name of ['build', 'test', 'release']) assert.equal(accessTo(stageOf(text, name), '/cion/build'), 'read-write');
  assert.equal(accessTo(stageOf(text, 'build'), '/cion/artifacts'), 'read-write');
  assert.equal(accessTo(stageOf(text, 'test'), '/cion/artifacts'), 'read-only');
  assert.equal(accessTo(stageOf(text, 'release'), '/cion/artifacts'), 'read-only');
  assert.deepEqual(planOf(text).volumes, [
    { name: 'work', from: 'source' },
    { name: 'artifacts', from: 'empty' },
  ]);
  assert.deepEqual(stageOf(text, 'build').artifacts, { volume: 'artifacts' });
});

test('runs release after build passed, with a test between them if there is one (R-CIO-11, R-CIO-14)', () => {
  const needs = (text: string) => Object.fromEntries([...stagesOf(text)].map(([name, stage]) => [name, stage.needs]));
  assert.deepEqual(needs('build: { image: a }'), { build: [] });
  assert.deepEqual(needs('release: { image: a }\nbuild: { image: a }'), { build: [], release: [{ node: 'build', on: 'passed' }] });
  assert.deepEqual(needs('release: { image: a }\ntest: { image: a }\nbuild: { image: a }'), {
    build: [],
    test: [{ node: 'build', on: 'passed' }],
    release: [{ node: 'test', on: 'passed' }],
  });
});

test('takes only the release for a deployment, to production unless it says otherwise', () => {
  const text = (more: string) => `build: { image: a }\ntest: { image: a }\nrelease: { image: a${more} }`;
  assert.deepEqual(stageOf(text(''), 'release').deploys, { environment: 'production' });
  assert.deepEqual(stageOf(text(', environment: staging'), 'release').deploys, { environment: 'staging' });
  assert.equal(stageOf(text(''), 'build').deploys, undefined);
  assert.equal(stageOf(text(''), 'test').deploys, undefined);
});

test('accepts a reference to a private registry with tag and digest (R-CIO-26)', () => {
  const reference = `registry.example.com:5000/team/app:1.2@sha256:${'0123456789abcdef'.repeat(4)}`;
  assert.deepEqual(stageOf(`build: { image: "${reference}" }`, 'build').image, { kind: 'reference', reference });
});

test('reads env as a map and as a list of KEY=value, each value as it is written (R-CIO-27, R-CIO-28)', () => {
  const map = envOf(stageOf('build:\n  image: a\n  env:\n    v: 1.10\n    on: yes\n    hex: 0x1F\n    none:\n', 'build'));
  const list = envOf(stageOf('build:\n  image: a\n  env:\n    - v=1.10\n    - on=yes\n    - hex=0x1F\n    - none=\n', 'build'));
  assert.deepEqual(map, { BUILD_DIR: '/cion/build', ARTIFACTS_DIR: '/cion/artifacts', v: '1.10', on: 'yes', hex: '0x1F', none: '' });
  assert.deepEqual(list, map);
});

test('refuses to override a variable that cion sets (R-CIO-28)', () => {
  for (const name of ['BUILD_DIR', 'ARTIFACTS_DIR', 'INPUTS_DIR']) {
    for (const env of [`{ ${name}: x }`, `[${name}=x]`]) {
      assert.deepEqual(
        problemsOf(`build: { image: a, env: ${env} }`).map(({ code }) => code),
        ['RESERVED_VARIABLE'],
      );
    }
  }
});

test('names file, line and key of what is missing or wrong (R-CIO-21)', () => {
  const told = (text: string) => problemsOf(text).map(({ message, range }) => `${range?.file}:${range?.start.line} ${message}`)[0];
  assert.match(told('# nothing\n') ?? '', /^\.cion\.yml:1 .*empty/);
  assert.match(told('x-a: 1\nbuild:\n  env: {}\n') ?? '', /^\.cion\.yml:2 "build" has no "image"/);
  assert.match(told('build:\n  image: a\n   cmd: b\n') ?? '', /^\.cion\.yml:[23] /);
  const missing = cionDialect.compile([]);
  assert.match(missing.ok ? '' : (missing.problems[0]?.message ?? ''), /no \.cion\.yml/);
});

test('refuses a key that is given twice, and says where (R-CIO-24)', () => {
  for (const text of ['build:\n  - image: a\n  - env: {}\n  - image: b\n', 'build:\n  image: a\n  env: {}\n  image: b\n']) {
    const [problem, ...more] = problemsOf(text);
    assert.equal(problem?.code, 'DUPLICATE_KEY');
    assert.equal(problem.range?.start.line, 4);
    assert.match(problem.message, /in line 2 and in line 4/);
    assert.deepEqual(more, []);
  }
});

test('takes cmd as a text for the shell or as arguments (R-CIO-54)', () => {
  assert.deepEqual(stageOf('build: { image: a, cmd: "echo $X && ls" }', 'build').command, { kind: 'shell', script: 'echo $X && ls' });
  assert.deepEqual(stageOf('build: { image: a, cmd: [echo, "1", 2.50] }', 'build').command, {
    kind: 'arguments',
    argv: ['echo', '1', '2.50'],
  });
  assert.deepEqual(stageOf('build: { image: a }', 'build').command, { kind: 'image' });
});

test('works where the files are when it is told what to run, and where the image says otherwise', () => {
  const workdirs = (more: string) =>
    [...stagesOf(`build: { image: a${more} }\nrelease: { image: a${more} }`).values()].map(({ workdir }) => workdir);
  assert.deepEqual(workdirs(''), [undefined, undefined]);
  assert.deepEqual(workdirs(', cmd: ls'), ['/cion/build', '/cion/artifacts']);
  assert.deepEqual(workdirs(', run: ls'), ['/cion/build', '/cion/artifacts']);
  assert.deepEqual(workdirs(', cmd: ls, workdir: /tmp'), ['/tmp', '/tmp']);
  assert.deepEqual(workdirs(', workdir: sub'), ['/cion/build/sub', '/cion/artifacts/sub']);
});

test('gives services to the stages of their section, by name (R-CIO-53)', () => {
  const names = (stage: Stage) => stage.services.map(({ name }) => name);
  const text = `services: { redis: "redis:7" }
build: { image: a, services: { db: { image: postgres, env: { A: 1 }, ports: 5432, privileged: true } } }
release: { image: a, services: [redis: "redis:8"] }`;
  assert.deepEqual(names(stageOf(text, 'build')), ['redis', 'db']);
  const db = stageOf(text, 'build').services[1];
  assert.deepEqual(db?.env, { A: { kind: 'literal', value: '1' } });
  assert.deepEqual(db.ports, ['5432']);
  assert.equal(db.privileged, true);
  const [redis, ...more] = stageOf(text, 'release').services;
  assert.deepEqual([redis?.image, more], [{ kind: 'reference', reference: 'redis:8' }, []]);
});

test('gives each stage its own copy of the commit and the artifacts of those it needs', () => {
  const text = 'stages:\n  a: { image: a }\n  b: { image: a, needs: a }\n  c: { image: a, needs: b }\n';
  const inputs = (name: string) => stageOf(text, name).mounts.flatMap((mount) => (mount.path.startsWith('/cion/inputs') ? [mount] : []));
  assert.deepEqual(inputs('a'), []);
  assert.deepEqual(inputs('c'), [{ kind: 'volume', volume: 'artifacts.b', path: '/cion/inputs/b', access: 'read-only' }]);
  assert.equal(envOf(stageOf(text, 'a'))['INPUTS_DIR'], undefined);
  assert.equal(envOf(stageOf(text, 'c'))['INPUTS_DIR'], '/cion/inputs');
  const written = planOf(text).nodes.flatMap((node) =>
    node.kind === 'stage'
      ? node.mounts.flatMap((mount) => (mount.kind === 'volume' && mount.access === 'read-write' ? [mount.volume] : []))
      : [],
  );
  assert.equal(new Set(written).size, written.length);
});

const image = fc.constantFrom('busybox', 'node:24', 'ghcr.io/a/b:1');
const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,9}$/).filter((name) => !name.endsWith('_DIR'));
const section = fc.record(
  {
    image,
    env: fc.dictionary(word, fc.stringMatching(/^[ -~]{0,12}$/), { noNullPrototype: true }),
    cmd: fc.oneof(
      fc.constant('make'),
      fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1, maxLength: 3 }).filter(hasNoNul),
    ),
    timeout: fc.constantFrom('10m', '90s'),
    user: fc.constantFrom('1000', 'node'),
  },
  { requiredKeys: ['image'] },
);

function hasNoNul(texts: readonly string[]): boolean {
  return texts.every((text) => !text.includes('\0') && text.isWellFormed());
}

const asList = (mapping: object): readonly object[] => Object.entries(mapping).map(([key, value]) => ({ [key]: value as unknown }));

const inBothForms = section.chain((mapping) => {
  const items = [...asList(mapping)];
  return fc.record({ mapping: fc.constant(mapping), list: fc.shuffledSubarray(items, { minLength: items.length }) });
});

test('means the same by a section as mapping and as list, in any order (R-CIO-23, R-CIO-24, R-CIO-25)', () => {
  fc.assert(
    fc.property(inBothForms, inBothForms, (build, release) => {
      const asMappings = planOf(JSON.stringify({ build: build.mapping, release: release.mapping }));
      const asLists = planOf(JSON.stringify({ release: release.list, build: build.list }));
      assert.equal(planDigest(asLists), planDigest(asMappings));
    }),
    { numRuns: 200 },
  );
});

test('never throws, whatever the text is, and says where each Problem is', () => {
  const check = (bytes: string | Uint8Array) => {
    for (const problem of problemsOf(bytes)) assert.ok(problem.range, problem.code);
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check));
  const words = ['build', 'test', 'release', 'stages', 'services', 'image', 'env', 'cmd', 'run', 'needs', 'retry', 'limits', 'ready', '<<'];
  const marks = [': ', ':\n', '\n', '\n  ', '\n    ', '- ', '{', '}', '[', ']', ', ', '&a ', '*a', '"', "'", '|\n'];
  const token = fc.constantFrom(...words, ...marks, 'busybox', 'A=1', '1', '10m', '~');
  fc.assert(
    fc.property(fc.array(token, { maxLength: 40 }), (tokens) => check(tokens.join(''))),
    { numRuns: 2000 },
  );
  const keys = fc.constantFrom(
    'build',
    'test',
    'stages',
    'services',
    'image',
    'env',
    'cmd',
    'needs',
    'retry',
    'ready',
    'ports',
    '__proto__',
    'x-a',
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom('busybox', '1', '', null, true, 0.5),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(keys, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => check(JSON.stringify(value))),
    { numRuns: 2000 },
  );
});

test('compiles a configuration of 500 KB, and tells what is wrong in one, within seconds', () => {
  const started = process.cpuUsage();
  const lines = Array.from({ length: 20_000 }, (_, i) => `    KEY${i}: value of ${i}\n`).join('');
  assert.ok(lines.length > 500_000);
  assert.equal(Object.keys(stageOf(`build:\n  image: a\n  env:\n${lines}`, 'build').env).length, 20_002);
  const stages = (need: string) =>
    `stages:\n${Array.from({ length: 8000 }, (_, i) => `  stage${i}: { image: a, needs: ${need}${i - 1} }\n`)
      .slice(1)
      .join('')}`;
  assert.equal(problemsOf(stages('stage')).length, 1);
  assert.equal(problemsOf(stages('steag')).length, 100);
  assert.equal(problemsOf(`build:\n${lines}`).length, 100);
  assert.ok(process.cpuUsage(started).user < 10_000_000);
});
