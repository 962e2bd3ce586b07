import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { dockerciseDialect } from './dockercise.ts';
import { dockerciseSchema } from './configuration.ts';

const root = join(import.meta.dirname, '../../..');
const cases = join(import.meta.dirname, 'cases');
/** zod reads no `not`: without the pairs of keys that exclude each other. */
const withoutExclusions = (_key: string, value: unknown): unknown =>
  Array.isArray(value) && value.some((item: unknown) => typeof item === 'object' && item !== null && 'not' in item) ? undefined : value;

const schema = z.fromJSONSchema(JSON.parse(JSON.stringify(dockerciseSchema(), withoutExclusions)));

/** What an editor makes of the text: JSON values, merged. */
const accepts = (text: string): boolean => schema.safeParse(parse(text, { merge: true, stringKeys: true })).success;

test('stands in schema/dockercise.schema.json as it is generated', (t) => {
  t.assert.fileSnapshot(`${JSON.stringify(dockerciseSchema(), null, 2)}\n`, join(root, 'schema/dockercise.schema.json'), {
    serializers: [(text: unknown) => String(text)],
  });
});

test('accepts every case that compiles', () => {
  const good = readdirSync(cases).filter((name) => name.endsWith('.yml') && !name.startsWith('problem-'));
  assert.ok(good.length > 15);
  for (const name of good) assert.ok(accepts(readFileSync(join(cases, name), 'utf8')), name);
});

test('refuses unknown keys, wrong types, and wrong names, as the compiler does', () => {
  const wrong = [
    'a: { img: busybox, rnu: ls }',
    'a: busybox',
    'a: { img: busybox, run: { x: y } }',
    'a: { img: busybox, timeout: 10 }',
    'a: { img: busybox, noLog: maybe }',
    'a: { img: busybox, retry: { on: failed } }',
    'a: { img: busybox, env: { A: [x] } }',
    'a: { img: busybox, after: { pipelin: x } }',
    'a: { img: busybox, done: {} }',
    'human-click: { img: busybox }',
    'a/b: { img: busybox }',
    'meta: { subgraphs: [], nmae: x }',
    '- a',
  ];
  for (const text of wrong) {
    assert.equal(dockerciseDialect.compile([{ path: 'ci.dockercise.yaml', bytes: Buffer.from(text) }]).ok, false, text);
    assert.equal(accepts(text), false, text);
  }
});

test('describes every key', () => {
  const properties = (node: unknown): readonly (readonly [string, unknown])[] => {
    if (typeof node !== 'object' || node === null) return [];
    const own = 'properties' in node ? Object.entries(node.properties as object) : [];
    return [...own, ...Object.values(node).flatMap(properties)];
  };
  const all = properties(dockerciseSchema());
  assert.ok(all.length > 50);
  for (const [key, value] of all) assert.match(JSON.stringify(value), /^\{"description":"[A-Z]/, key);
});
