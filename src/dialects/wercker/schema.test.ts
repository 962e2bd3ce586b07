import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { werckerSchema } from './configuration.ts';
import { werckerDialect } from './wercker.ts';

const root = join(import.meta.dirname, '../../..');
const cases = join(import.meta.dirname, 'cases');
/** zod reads no `additionalProperties` beside `patternProperties`: with those keys `x-…` are any, without them all others are judged. */
const schemaOf = (given: object) => z.fromJSONSchema(JSON.parse(JSON.stringify(given)));
const schema = schemaOf(werckerSchema());
const { patternProperties: _anyKey, ...rest } = werckerSchema();
const withoutAnchors = schemaOf(rest);

/** What an editor makes of the text: JSON values, merged. */
const accepts = (text: string, by = schema): boolean => by.safeParse(parse(text, { merge: true, stringKeys: true })).success;

test('stands in schema/wercker.schema.json as it is generated', (t) => {
  t.assert.fileSnapshot(`${JSON.stringify(werckerSchema(), null, 2)}\n`, join(root, 'schema/wercker.schema.json'), {
    serializers: [(text: unknown) => String(text)],
  });
});

test('accepts every case that compiles without a word', () => {
  const good = readdirSync(cases).filter((name) => name.endsWith('.yml') && !/^(?:problem|warnings)-/.test(name));
  assert.ok(good.length > 4);
  for (const name of good) {
    const text = readFileSync(join(cases, name), 'utf8');
    assert.ok(accepts(text), name);
    assert.ok(text.includes('x-') || accepts(text, withoutAnchors), name);
  }
});

test('refuses wrong types and what is no pipeline, as the compiler does', () => {
  const wrong = [
    'build: { steps: make }',
    'build: { steps: [], env: { A: b } }',
    'build: { steps: [[a]] }',
    'build: { steps: [{}] }',
    'build: { steps: [], after-steps: slack }',
    'build: { steps: [], box: [a] }',
    'build: { steps: [], box: { id: a, ports: 80 } }',
    'build: { steps: [], base-path: x }',
    'build: { steps: [] }\nservices: redis',
    'build: { steps: [] }\ncommand-timeout: soon',
    '- a',
  ].map((text) => (text.startsWith('-') ? text : `${text}\nbox: debian\n`));
  for (const text of wrong) {
    assert.equal(werckerDialect.compile([{ path: 'wercker.yml', bytes: Buffer.from(text) }]).ok, false, text);
    assert.equal(accepts(text, withoutAnchors), false, text);
  }
});

test('describes every key', () => {
  const properties = (node: unknown): readonly (readonly [string, unknown])[] => {
    if (typeof node !== 'object' || node === null) return [];
    const own = 'properties' in node ? Object.entries(node.properties as object) : [];
    return [...own, ...Object.values(node).flatMap(properties)];
  };
  const all = properties(werckerSchema());
  assert.ok(all.length > 35);
  for (const [key, value] of all) assert.match(JSON.stringify(value), /^\{"description":"[A-Z]/, key);
});
