import type { Shape } from '../shape.ts';
import { isEmpty, type YamlNode } from '../yaml.ts';

/** A key without a value, or with the word for it. */
export const isNothing = (node: YamlNode): boolean =>
  isEmpty(node) || (node.kind === 'scalar' && node.style === 'plain' && /^(?:~|null|Null|NULL)$/.test(node.text));

/** Nothing is as if the key were not there: `null`. */
export const orNothing = <T>(shape: Shape<T>): Shape<T | null> => ({
  schema: { anyOf: [shape.schema, { type: 'null' }] },
  read: (node, place) => (isNothing(node) ? null : shape.read(node, place)),
});
