import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EnvValue, Plan, Stage } from '../../plan/plan.ts';
import type { Problem, Range } from '../../plan/problem.ts';
import type { Compiled } from '../dialect.ts';
import { dockerciseDialect } from './dockercise.ts';

const compileFiles = (files: Readonly<Record<string, string | Uint8Array>>): Compiled =>
  dockerciseDialect.compile(Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) })));

const compile = (text: string | Uint8Array): Compiled => compileFiles({ 'ci.dockercise.yaml': text });

const planned = (compiled: Compiled): Plan => {
  if (compiled.ok) return compiled.plan;
  throw new Error(compiled.problems.map(({ message }) => message).join('\n'));
};

const stageOf = (text: string, name: string): Stage => {
  const stage = planned(compile(text)).nodes.find((node) => node.name === name);
  assert.ok(stage?.kind === 'stage', `no stage ${name}`);
  return stage;
};

const problemsOf = (compiled: Compiled): readonly Problem[] => (compiled.ok ? [] : compiled.problems);

const edgesOf = (plan: Plan): readonly string[] =>
  plan.nodes
    .flatMap((node) => node.needs.map((need) => `${need.node} → ${node.name}${need.on === 'passed' ? '' : ` (${need.on})`}`))
    .sort();

const seed = (name: string): string => readFileSync(join(import.meta.dirname, 'cases', `seed-${name}.yml`), 'utf8');

test('wants *.dockercise.yaml at any depth, and nothing that is not the project’s own (R-DCK-78, R-DCO-08)', () => {
  const ours = ['a.dockercise.yaml', 'deep/er/b.dockercise.yml', 'dockercise.yaml', 'sub/.dockercise.yaml', 'sub/c.dockercise.yaml'];
  const others = [
    'node_modules/x/a.dockercise.yaml',
    'sub/node_modules/dockercise.yaml',
    '.git/a.dockercise.yaml',
    '.cion/state/a.dockercise.yaml',
    'a.yaml',
    'mydockercise.yaml',
    'a.dockercise.yaml/file',
    '.cion.yml',
  ];
  assert.deepEqual(dockerciseDialect.wants([...others, ...ours].reverse()), ours);
});

test('the first example compiles as it is written, to these edges and no others (R-DCK-14, R-DCK-32)', () => {
  const plan = planned(compile(seed('first')));
  assert.equal(plan.nodes.length, 7);
  const plucks = ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'];
  const edges = [
    ...plucks.flatMap((pluck) => [`assume-role → ${pluck}`, `${pluck} → create-stack`, `${pluck} → wait-for-success`]),
    'get-code → create-stack',
    'create-stack → wait-for-success',
  ];
  assert.deepEqual(edgesOf(plan), edges.sort());
});

test('its edges need no "after": names under env and vol, and in commands, are enough (R-DCK-45, R-DCK-68, R-DCK-69)', () => {
  const text = seed('first').replaceAll(/ {2}after: assume-role\n/g, '');
  assert.notEqual(text, seed('first'));
  assert.deepEqual(edgesOf(planned(compile(text))), edgesOf(planned(compile(seed('first')))));
});

test('the second example compiles as it is written: six stages and one gate before them, its references alone make the edges (R-DCO-34, R-DCO-41)', () => {
  const plan = planned(compile(seed('second')));
  assert.deepEqual(
    plan.nodes.map(({ kind, name }) => `${kind} ${name}`),
    [
      'gate human-click',
      ...['assume-role', 'access-key-id', 'secret-access-key', 'session-token', 'get-code', 'create-stack'].map((name) => `stage ${name}`),
    ],
  );
  const plucks = ['access-key-id', 'secret-access-key', 'session-token'];
  const edges = [
    'human-click → assume-role',
    'human-click → get-code',
    ...plucks.flatMap((pluck) => [`assume-role → ${pluck}`, `${pluck} → create-stack`]),
    'get-code → create-stack',
  ];
  assert.deepEqual(edgesOf(plan), edges.sort());
});

test('an image that a stage leaves, or prints the name of, makes an edge', () => {
  const text = 'a: { img: docker }\nb: { img: a }\nc: { img: "{a}" }\nd: { img: out/a }\n';
  assert.deepEqual(edgesOf(planned(compile(text))), ['a → b', 'a → c', 'a → d']);
  assert.deepEqual(stageOf(text, 'a').commit, { names: [] });
  assert.deepEqual(
    ['b', 'c', 'd'].map((name) => stageOf(text, name).image.kind),
    ['stage', 'output', 'output'],
  );
});

test('a volume with a path is an edge too (R-DCK-38)', () => {
  assert.deepEqual(edgesOf(planned(compile('a: { img: x }\nb: { img: x, vol: "a:~/path/to/mount" }\n'))), ['a → b']);
});

test('a scalar means the same as a list of one (R-DCK-26)', () => {
  for (const key of ['env', 'vol', 'after', 'if', 'unless', 'finally']) {
    const digest = (value: string) => {
      const { range: _range, ...stage } = stageOf(`a: { img: x }\nb: { img: x, ${key}: ${value} }\n`, 'b');
      return stage;
    };
    assert.deepEqual(digest('a'), digest('[a]'), key);
  }
});

test('every stage of a plan has every key, with its default (R-DCK-76)', () => {
  const { range: _range, ...stage } = stageOf('a: { img: x }\n', 'a');
  assert.deepEqual(stage, {
    kind: 'stage',
    name: 'a',
    needs: [],
    image: { kind: 'reference', reference: 'x' },
    command: { kind: 'image' },
    workdir: '/dockercise',
    env: {},
    mounts: [{ kind: 'volume', volume: 'a', path: '/dockercise', access: 'read-write' }],
    files: [],
    artifacts: { volume: 'a', directory: 'a', except: ['out'] },
    services: [],
    limits: {},
    timeouts: {},
    retry: { attempts: 1, on: [] },
    always: false,
    mayFail: false,
    sensitive: false,
  });
});

const withoutRange = (value: EnvValue & { readonly range?: Range }) => {
  const { range: _range, ...rest } = value;
  return rest;
};

test('names of stages and of outside variables become variables that a shell can read (R-DCK-23, R-DCK-25, R-DCO-47)', () => {
  const env = (item: string, ...stages: readonly string[]) => {
    const text = `${stages.map((name) => `${name}: { img: x }\n`).join('')}reader: { img: x, env: [${item}] }\n`;
    return Object.fromEntries(Object.entries(stageOf(text, 'reader').env).map(([name, value]) => [name, withoutRange(value)]));
  };
  const output = (stage: string) => ({ kind: 'output', stage });
  assert.deepEqual(env('aws_access_key_id', 'aws_access_key_id'), { AWS_ACCESS_KEY_ID: output('aws_access_key_id') });
  assert.deepEqual(env('a-b.c', 'a-b.c'), { A_B_C: output('a-b.c') });
  assert.deepEqual(env('1st', '1st'), { _1ST: output('1st') });
  assert.deepEqual(env('access-key-id', 'access-key-id'), {
    ACCESS_KEY_ID: output('access-key-id'),
    AWS_ACCESS_KEY_ID: output('access-key-id'),
  });
  assert.deepEqual(env('AWS_DEFAULT_REGION'), { AWS_DEFAULT_REGION: { kind: 'outside', name: 'AWS_DEFAULT_REGION' } });
  assert.deepEqual(env('aws_default_region'), {
    aws_default_region: { kind: 'outside', name: 'aws_default_region', or: 'AWS_DEFAULT_REGION' },
  });
  assert.deepEqual(env('aws-region'), { AWS_REGION: { kind: 'outside', name: 'aws-region', or: 'AWS_REGION' } });
});

test('files are merged before anything is made of them, whichever is read first (R-DCK-77, R-DCO-09, R-DCO-10)', () => {
  const one = { 'a.dockercise.yaml': 'a: { img: x, run: echo 1 }\n' };
  const other = { 'sub/b.dockercise.yaml': 'b: { img: x, env: a }\n', 'c.dockercise.yaml': '' };
  assert.deepEqual(edgesOf(planned(compileFiles({ ...one, ...other }))), ['a → b']);
  assert.deepEqual(edgesOf(planned(compileFiles({ ...other, ...one }))), ['a → b']);
});

test('one name in two files is refused, naming both places (R-DCK-79)', () => {
  const [problem, ...more] = problemsOf(
    compileFiles({ 'a.dockercise.yaml': '\na: { img: x }\n', 'sub/b.dockercise.yaml': 'a: { img: y }\n' }),
  );
  assert.equal(problem?.code, 'PLAN_DUPLICATE_STAGE');
  assert.match(problem.message, /a\.dockercise\.yaml:2 and sub\/b\.dockercise\.yaml:1/);
  assert.deepEqual(more, []);
  for (const text of ['after: human-click\n', 'meta: { name: x }\n']) {
    assert.deepEqual(
      problemsOf(compileFiles({ 'a.dockercise.yaml': `${text}a: { img: x }`, 'b.dockercise.yaml': text })).map(({ code }) => code),
      ['DUPLICATE_KEY'],
    );
  }
});

test('names that mean something else, or are paths, are refused; any other works (R-DCK-33, R-DCO-38)', () => {
  for (const name of ['human-click', 'out', 'source', '..', '.', 'a/b', 'a\\\\b', '-a', 'a:b', 'a=b', '{a}', 'a@b']) {
    const codes = problemsOf(compile(`"${name}": { img: x }\nb: { img: x }\n`)).map(({ code }) => code);
    assert.ok(codes.includes('BAD_NAME') || codes.includes('RESERVED_NAME'), name);
  }
  for (const name of ['a-b', 'a_b', '1', '☃', 'ünï', 'a.b', 'a b', 'constructor', '__proto__']) {
    assert.deepEqual(problemsOf(compile(`"${name}": { img: x }\n`)), [], name);
  }
});

test('a cycle and an unknown stage are told with the names, before there is a plan (R-DCK-05)', () => {
  const told = (text: string) => problemsOf(compile(text)).map(({ code, message }) => `${code} ${message}`)[0] ?? '';
  assert.match(told('a: { img: x, after: b }\nb: { img: x, after: a }\n'), /PLAN_CYCLE .*a → b → a/);
  assert.match(told('a: { img: x, after: bee }\n'), /PLAN_UNKNOWN_NEED "a" .*"bee"/);
  assert.match(told('a: { img: x, vol: bee }\n'), /PLAN_UNKNOWN_VOLUME "a" .*"bee"/);
});

test('a join has no node: those after it need what it joins, and its name still stands for them (R-DCK-18)', () => {
  const compiled = compile('a: { img: x }\nb: { img: x }\nall: { after: [a, b] }\nmore: { after: all }\nlast: { img: x, after: more }\n');
  assert.deepEqual(edgesOf(planned(compiled)), ['a → last', 'b → last']);
  assert.deepEqual(compiled.ok && Object.fromEntries(compiled.names ?? []), { all: ['a', 'b'], more: ['a', 'b'] });
});

test('an image that prints stages is asked for until nothing new is asked for; two levels are one plan', () => {
  const root = { 'a.dockercise.yaml': 'meta: { subgraphs: [lib:1, tool:1] }\na: { img: x, after: low }\n' };
  const first = compileFiles(root);
  assert.deepEqual(first.ok ? [] : first.wantsImages, ['lib:1', 'tool:1']);
  assert.deepEqual(
    problemsOf(first).map(({ code }) => code),
    ['SUBGRAPH_UNREAD', 'SUBGRAPH_UNREAD'],
  );
  const printed = {
    'lib:1': 'meta: { subgraphs: low:1 }\nlib: { img: x, after: low }\n',
    'tool:1': 'meta: { subgraphs: low:1 }\ntool: { img: x }\n',
  };
  const second = compileFiles({ ...root, ...printed });
  assert.deepEqual(second.ok ? [] : second.wantsImages, ['low:1']);
  const last = compileFiles({ ...root, ...printed, 'low:1': 'low: { img: x }\n' });
  assert.deepEqual(edgesOf(planned(last)), ['low → a', 'low → lib']);
});

test('images that ask for each other are refused with the way around', () => {
  const files = { 'a.dockercise.yaml': 'meta: { subgraphs: one }\n', one: 'meta: { subgraphs: two }\n', two: 'meta: { subgraphs: one }\n' };
  const [problem] = problemsOf(compileFiles(files));
  assert.equal(problem?.code, 'SUBGRAPH_CYCLE');
  assert.match(problem.message, /one → two → one/);
  assert.equal(
    problemsOf(compileFiles({ 'a.dockercise.yaml': 'meta: { subgraphs: one }\n', one: 'meta: { subgraphs: one }\n' }))[0]?.code,
    'SUBGRAPH_CYCLE',
  );
  const chain = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`i${i}`, `meta: { subgraphs: i${i + 1} }\n`]));
  assert.equal(problemsOf(compileFiles({ 'a.dockercise.yaml': 'meta: { subgraphs: i0 }\n', ...chain }))[0]?.code, 'SUBGRAPH_TOO_DEEP');
});

test('never throws, whatever the text is, and says where each Problem is', () => {
  const check = (bytes: string | Uint8Array) => {
    for (const problem of problemsOf(compile(bytes))) assert.ok(problem.range, problem.code);
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check));
  const keys = fc.constantFrom(
    'a',
    'b',
    'after',
    'meta',
    'img',
    'run',
    'done',
    'env',
    'vol',
    'if',
    'unless',
    'finally',
    'ssh',
    'services',
    'human-click',
    'pipeline',
    'subgraphs',
    'timeout',
    '__proto__',
    '☃',
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('a', 'b', 'busybox', '{a}', 'cat out/b "{a}', 'a:~/x', '/x:/y', './x', 'human-click', '', null, true, 'A=1'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(keys, tie('tree'), { maxKeys: 5 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(keys, fc.dictionary(keys, tree, { maxKeys: 5 }), { maxKeys: 4 }), (value) => check(JSON.stringify(value))),
    { numRuns: 3000 },
  );
});

test('compiles thousands of stages, joins and references within seconds', () => {
  const started = process.cpuUsage();
  const chain = Array.from({ length: 4000 }, (_, i) => `s${i + 1}: { img: x, run: "cat {s${i}} out/s${i}" }\n`).join('');
  assert.equal(planned(compile(`s0: { img: x }\n${chain}`)).nodes.length, 4001);
  const joins = Array.from({ length: 8000 }, (_, i) => `j${i + 1}: { after: j${i} }\n`).join('');
  assert.deepEqual(edgesOf(planned(compile(`a: { img: x }\nj0: { after: a }\n${joins}last: { img: x, after: j8000 }\n`))), ['a → last']);
  assert.ok(process.cpuUsage(started).user < 15_000_000);
});
