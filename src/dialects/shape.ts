import type { Parsed, Problem, Range } from '../plan/problem.ts';
import { parsed, refused } from '../plan/problem.ts';
import { quoted, shortened } from './quoted.ts';
import { isEmpty, type YamlNode } from './yaml.ts';

/**
 * What a part of a configuration file may look like: how it is read, and what an editor is told of it. `read` reports everything that is
 * wrong and not only the first thing; it answers `undefined` only when it has reported something.
 */
export type Shape<T> = {
  readonly schema: JsonSchema;
  read(node: YamlNode, place: Place): T | undefined;
};

/** JSON Schema, draft 7: the one that all editors know. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** Where a value stands: its path as in `build.env`, and the range to blame for what is missing there, that of its key. */
export type Place = { readonly path: string; readonly range: Range; readonly report: (problem: Problem) => void };

/** A Shape of texts; `what` is the noun of messages, e.g. `a duration`. */
export type TextShape<T> = Shape<T> & { readonly what: string };

type Told = { readonly code: string; readonly message: string; readonly hint?: string | undefined };

export const blame = (place: Place, { code, message, hint }: Told, range: Range = place.range): undefined => {
  place.report({ code, message, ...(hint === undefined ? {} : { hint }), range });
};

export const inside = (place: Place, key: string, range: Range): Place => ({
  ...place,
  path: place.path === '' ? shortened(key) : `${place.path}.${shortened(key)}`,
  range,
});

export const wrongType = (node: YamlNode, place: Place, expected: string): undefined => {
  const name = place.path === '' ? 'The file' : `"${place.path}"`;
  if (isEmpty(node)) return blame(place, { code: 'EMPTY_VALUE', message: `${name} is empty.`, hint: `It must be ${expected}.` });
  const hint =
    node.kind === 'map' && expected.includes('text') && !expected.includes('mapping') ? 'A text with ": " in it needs quotes.' : undefined;
  return blame(place, { code: 'WRONG_TYPE', message: `${name} must be ${expected}, not ${kindNames[node.kind]}.`, hint }, node.range);
};

const kindNames = { scalar: 'a text', list: 'a list', map: 'a mapping' };

/** A text that means something: `parse` answers its meaning, or Problems without a range. */
export const textAs = <T>(what: string, schema: JsonSchema, parse: (text: string) => Parsed<T>): TextShape<T> => ({
  what,
  schema,
  read: (node, place) => {
    if (node.kind !== 'scalar' || isEmpty(node)) return wrongType(node, place, what);
    const answer = parse(node.text);
    if (answer.ok) return answer.value;
    for (const problem of answer.problems) blame(place, problem, node.range);
    return undefined;
  },
});

/** A text as it is written, which may be none at all. */
export const anyText: TextShape<string> = {
  what: 'a text',
  schema: { type: ['string', 'number', 'boolean', 'null'] },
  read: (node, place) => (node.kind === 'scalar' ? node.text : wrongType(node, place, 'a text')),
};

export const text: TextShape<string> = textAs('a text', { type: ['string', 'number', 'boolean'] }, parsed);

export const choice = <const T extends string>(what: string, choices: readonly T[]): TextShape<T> =>
  textAs(what, { enum: choices }, (given) => {
    const value = choices.find((candidate) => candidate === given);
    if (value !== undefined) return parsed(value);
    return refused({ code: 'WRONG_VALUE', message: `${quoted(given)} is not ${what}.`, hint: `It is one of: ${choices.join(', ')}.` });
  });

/** `true` or `false` only: readers of YAML disagree on the other spellings. */
export const flag: TextShape<boolean> = textAs('true or false', { type: 'boolean' }, (given) =>
  given === 'true' || given === 'false'
    ? parsed(given === 'true')
    : refused({ code: 'WRONG_VALUE', message: `${quoted(given)} is neither true nor false.`, hint: 'Write true or false.' }),
);

export const list = <T>(item: Shape<T>): Shape<readonly T[]> => ({
  schema: { type: 'array', items: item.schema },
  read: (node, place) => {
    if (node.kind !== 'list') return wrongType(node, place, 'a list');
    return allOrNone(node.items.map((inner, i) => item.read(inner, { ...place, path: `${place.path}[${i + 1}]`, range: inner.range })));
  },
});

/** A node whose kind decides how it is read. */
export const byKind = <T>(shapes: { readonly scalar?: TextShape<T>; readonly list?: Shape<T>; readonly map?: Shape<T> }): Shape<T> => {
  const expected = [shapes.scalar?.what, shapes.list && 'a list', shapes.map && 'a mapping']
    .filter((what) => what !== undefined)
    .join(' or ');
  return {
    schema: { anyOf: Object.values(shapes).map((shape) => shape.schema) },
    read: (node, place) => {
      const shape = shapes[node.kind];
      return shape === undefined ? wrongType(node, place, expected) : shape.read(node, place);
    },
  };
};

/** A mapping that has a key is one thing, everything else another. */
export const whereKey = <T>(key: string, having: Shape<T>, others: Shape<T>): Shape<T> => ({
  schema: { anyOf: [having.schema, others.schema] },
  read: (node, place) => {
    const has = node.kind === 'map' && node.entries.some((entry) => entry.key.text === key);
    return (has ? having : others).read(node, place);
  },
});

export const oneOrMore = <T>(item: TextShape<T>): Shape<readonly T[]> =>
  byKind<readonly T[]>({ scalar: { ...mapped(item, (value) => [value]), what: item.what }, list: list(item) });

export const mapped = <T, U>(shape: Shape<T>, change: (value: T, place: Place) => U | undefined): Shape<U> => ({
  schema: shape.schema,
  read: (node, place) => {
    const value = shape.read(node, place);
    return value === undefined ? undefined : change(value, place);
  },
});

/** The same shape, told to editors as a definition of the schema: for what is used in several places. */
export const defined = <S extends Shape<unknown>>(name: string, shape: S): S => ({ ...shape, schema: { $ref: `#/definitions/${name}` } });

/** Together with the range of its key. */
export const placed = <T>(shape: Shape<T>): Shape<Placed<T>> => mapped(shape, (value, { range }) => ({ value, range }));
export type Placed<T> = { readonly value: T; readonly range: Range };

/** All values, or none when one is missing because something was reported. */
export const allOrNone = <T>(values: readonly (T | undefined)[]): readonly T[] | undefined => {
  const present = values.filter((value) => value !== undefined);
  return present.length === values.length ? present : undefined;
};
