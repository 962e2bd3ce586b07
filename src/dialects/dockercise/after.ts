import type { Range } from '../../plan/problem.ts';
import { duration } from '../duration.ts';
import { mapping, optional } from '../mapping.ts';
import { blame, list, oneOrMore, type Place, type Shape, text } from '../shape.ts';
import { isEmpty, type YamlNode } from '../yaml.ts';

/** What a stage, or the whole pipeline, waits for. */
export type Awaited = { readonly range: Range } & (
  | { readonly kind: 'stage'; readonly name: string }
  | { readonly kind: 'person'; readonly who: readonly string[]; readonly timeoutMs?: number }
  | { readonly kind: 'pipeline'; readonly pipeline: string; readonly timeoutMs?: number }
);

export const humanClick = 'human-click';

const click = mapping({
  who: optional(oneOrMore(text), 'Who may decide; otherwise everybody.'),
  timeout: optional(duration, 'How long it waits, as in 1h; then it counts as refused. Otherwise for ever.'),
});

const gate = mapping(
  {
    'human-click': optional(
      { schema: { anyOf: [click.schema, { type: 'null' }] }, read: (node, place) => (isEmpty(node) ? {} : click.read(node, place)) },
      'Waits for a person.',
    ),
    pipeline: optional(
      text,
      'Waits until the pipeline of this project, a path as in ../api or the directory beside this one, turns green after this run has started.',
    ),
    timeout: optional(duration, 'How long it waits for the pipeline, as in 2h; otherwise for ever.'),
  },
  {
    apart: [
      ['human-click', 'pipeline'],
      ['human-click', 'timeout'],
    ],
  },
);

const readGate = (node: YamlNode, place: Place): Awaited | undefined => {
  const given = gate.read(node, place);
  if (given === undefined) return undefined;
  const { 'human-click': person, pipeline, timeout } = given;
  if (person !== undefined) {
    const limit = person.timeout === undefined ? {} : { timeoutMs: person.timeout };
    return { kind: 'person', who: person.who ?? [], ...limit, range: node.range };
  }
  if (pipeline !== undefined) {
    return { kind: 'pipeline', pipeline, ...(timeout === undefined ? {} : { timeoutMs: timeout }), range: node.range };
  }
  const hint = 'Write { human-click: { who: [name], timeout: 1h } } or { pipeline: name, timeout: 2h }.';
  return blame(place, { code: 'EMPTY_VALUE', message: `"${place.path}" does not say what it waits for.`, hint }, node.range);
};

const one: Shape<Awaited> = {
  schema: { anyOf: [{ type: 'string' }, gate.schema] },
  read: (node, place) => {
    if (node.kind === 'map') return readGate(node, place);
    const name = text.read(node, place);
    if (name === undefined) return undefined;
    return name === humanClick ? { kind: 'person', who: [], range: node.range } : { kind: 'stage', name, range: node.range };
  },
};

const several = list(one);

/** A name, `human-click`, another pipeline; or a list of these. */
export const after: Shape<readonly Awaited[]> = {
  schema: { anyOf: [one.schema, several.schema] },
  read: (node, place) => {
    if (node.kind === 'list') return several.read(node, place);
    const only = one.read(node, place);
    return only === undefined ? undefined : [only];
  },
};
