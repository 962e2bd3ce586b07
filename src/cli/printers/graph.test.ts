import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Plan } from '../../plan/plan.ts';
import { reference } from '../../plan/stage.ts';
import { width } from './fit.ts';
import { graph } from './graph.ts';
import { mermaid } from './mermaid.ts';
import { golden, plainLook } from './testing/golden.ts';
import { shopPlan } from './testing/shop-run.ts';
import { somePlan } from './testing/story.ts';

const image = { image: reference('pebbletech/docker-aws-cli') };
const keys = ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'];
const dockercise = somePlan(
  {
    'assume-role': [],
    aws_access_key_id: ['assume-role'],
    aws_secret_access_key: ['assume-role'],
    aws_session_token: ['assume-role'],
    'get-code': [],
    'create-stack': [...keys, 'get-code'],
    'wait-for-success': ['create-stack', ...keys],
  },
  {
    ...Object.fromEntries(['assume-role', ...keys, 'create-stack', 'wait-for-success'].map((name) => [name, image])),
    'get-code': { image: reference('bravissimolabs/alpine-git') },
  },
);

/** Ten modules, each built, tested and packed. */
const modules = somePlan(
  Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => index).flatMap((index) => [
      [`build-${index}`, index === 0 ? [] : ['build-0']],
      [`test-${index}`, [`build-${index}`]],
      [`pack-${index}`, [`test-${index}`]],
    ]),
  ),
);

const tangled = somePlan(
  Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => [
      `s${index}`,
      [2, 3, 5, 7].flatMap((step) => (index % step === 0 && index >= step ? [`s${index - step}`] : [])),
    ]),
  ),
);

const plans: Readonly<Record<string, Plan>> = {
  one: somePlan({ build: [] }),
  chain: somePlan({ build: [], test: ['build'], release: ['test'] }),
  diamond: somePlan({ build: [], lint: ['build'], test: ['build'], release: ['lint', 'test'] }),
  'one-three-one': somePlan({ build: [], lint: ['build'], test: ['build'], e2e: ['build'], release: ['lint', 'test', 'e2e'] }),
  'two-components': somePlan({ build: [], docs: [], release: ['build'], publish: ['docs'] }),
  'long-edges': somePlan({ a: [], b: ['a'], c: ['b'], d: ['c', 'a'], e: ['a', 'b', 'd'] }),
  crossing: somePlan({ a: [], b: [], c: [], x: ['a', 'b'], y: ['b', 'c'], z: ['a', 'c'] }),
  dockercise,
  shop: shopPlan,
  modules,
  tangled,
  wide: somePlan({ 日本語: [], 'emoji 👩‍👩‍👧': ['日本語'], 'esc\x1b[31m': ['emoji 👩‍👩‍👧'] }),
};

for (const [name, plan] of Object.entries(plans)) {
  test(`the plan "${name}" as a picture`, (t) => {
    golden(t, `graph-${name}`, [
      ...graph(plan, plainLook(120)),
      '',
      ...graph(plan, plainLook(80)),
      '',
      ...graph(plan, plainLook(120, 'ascii')),
    ]);
  });
}

test('an empty plan is an empty picture', () => assert.deepEqual(graph(somePlan({}), plainLook()), []));

test('the dockercise example fits 80 columns as a picture', () =>
  assert.match(graph(dockercise, plainLook(80)).join('\n'), /▶ wait-for-success/));

const anyPlan = fc
  .array(fc.array(fc.nat({ max: 20 }), { maxLength: 3 }), { maxLength: 14 })
  .map((needs) =>
    somePlan(
      Object.fromEntries(
        needs.map((names, index) => [`n${index}.`, [...new Set(names.filter((name) => name < index))].map((name) => `n${name}.`)]),
      ),
    ),
  );

test('any plan is drawn within the width, always the same, with each node once', () => {
  fc.assert(
    fc.property(anyPlan, fc.integer({ min: 40, max: 200 }), (plan, columns) => {
      const lines = graph(plan, plainLook(columns));
      assert.deepEqual(graph(plan, plainLook(columns)), lines);
      const isList = lines[0]?.startsWith('  Stage');
      if (!isList) assert.ok(lines.every((line) => width(line) <= columns));
      const text = lines.join('\n');
      for (const { name } of plan.nodes) assert.ok(text.includes(name), name);
    }),
  );
});

test('a picture can be followed by eye: from each node the lines lead to exactly those that need it', () => {
  fc.assert(
    fc.property(anyPlan, (plan) => {
      const lines = graph(plan, plainLook(1000));
      if (lines[0]?.startsWith('  Stage')) return;
      for (const node of plan.nodes) {
        const wanted = plan.nodes.filter((other) => other.needs.some((need) => need.node === node.name)).map(({ name }) => name);
        assert.deepEqual(followed(lines, node.name).sort(), wanted.sort(), `${node.name} in\n${lines.join('\n')}`);
      }
    }),
    { numRuns: 300 },
  );
});

/** Walks along the lines as a reader would: never back to the left, over crossings straight on. */
const followed = (lines: readonly string[], name: string): string[] => {
  const row = lines.findIndex((line) => new RegExp(`(^|[ ▶])${name.replace('.', '\\.')}( |$)`).test(line));
  const column = (lines[row] ?? '').indexOf(name) + name.length;
  const found = new Set<string>();
  const seen = new Set<string>();
  const at = (y: number, x: number): string => lines[y]?.[x] ?? ' ';
  const walk = (y: number, x: number, from: 'left' | 'up' | 'down'): void => {
    if (seen.has(`${y} ${x} ${from}`)) return;
    seen.add(`${y} ${x} ${from}`);
    const glyph = at(y, x);
    if (glyph === '▶') {
      const box = lines.slice(0, y + 1).findLastIndex((line) => /^n\d+\./.test(line.slice(x + 2)));
      found.add(/^n\d+\./.exec((lines[box] ?? '').slice(x + 2))?.[0] ?? `nothing at ${y} ${x}`);
      return;
    }
    if (glyph === '│' && from === 'left') return walk(y, x + 1, 'left');
    if ('─╰╭├┴┬┼'.includes(glyph)) walk(y, x + 1, 'left');
    if (from !== 'up' && '│╰╯├┤┴┼'.includes(glyph)) walk(y - 1, x, 'down');
    if (from !== 'down' && '│╭╮├┤┬┼'.includes(glyph)) walk(y + 1, x, 'up');
  };
  if (at(row, column + 1) === '─') walk(row, column + 1, 'left');
  return [...found];
};

test('a plan as Mermaid text', (t) => golden(t, 'mermaid', mermaid(shopPlan)));

test('no name can say anything to Mermaid', () => {
  assert.deepEqual(mermaid(somePlan({ 'a"] --> b["<b>': [] })), [
    'flowchart LR',
    '  n1["a#34;] --#62; b[#34;#60;b#62;<br/>busybox:latest"]',
  ]);
});
