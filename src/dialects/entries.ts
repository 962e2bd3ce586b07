import { allOrNone, blame, inside, type Place, type Shape, type TextShape, wrongType } from './shape.ts';
import { duplicateKey, isEmpty, type YamlEntry, type YamlNode, type YamlScalar } from './yaml.ts';

/** The entries of a mapping; none when something was reported. */
export const plainEntries = (node: YamlNode, place: Place): readonly YamlEntry[] | undefined =>
  node.kind === 'map' ? node.entries : wrongType(node, place, 'a mapping');

/** The same of a mapping or of its list form: mappings with one key each, whose order means nothing (R-CIO-23, R-CIO-24). */
export const listableEntries = (node: YamlNode, place: Place): readonly YamlEntry[] | undefined => {
  if (node.kind !== 'list') return plainEntries(node, place);
  const entries = allOrNone(node.items.map((item) => onlyEntry(item, place)));
  return entries && uniqueEntries(entries, place);
};

/** The same where a text alone is an entry too: as an item of the list form, or in place of all. */
export const looseEntries = (
  node: YamlNode,
  place: Place,
  entryOf: (scalar: YamlScalar, place: Place) => YamlEntry | undefined,
): readonly YamlEntry[] => {
  if (node.kind === 'map') return node.entries;
  const items = node.kind === 'list' ? node.items : [node];
  const entries = items.map((item) => (item.kind === 'scalar' ? entryOf(item, { ...place, range: item.range }) : onlyEntry(item, place)));
  return uniqueEntries(
    entries.filter((entry) => entry !== undefined),
    place,
  );
};

const onlyEntry = (item: YamlNode, place: Place): YamlEntry | undefined => {
  const [entry, second] = item.kind === 'map' ? item.entries : [];
  if (entry !== undefined && second === undefined) return entry;
  const message = `Each item of "${place.path}" must be one key with its value.`;
  const hint = 'Give every key a dash of its own, or none of them.';
  return blame(place, { code: 'NOT_ONE_KEY', message, hint }, second?.key.range ?? item.range);
};

/** Of a key that is given twice the first, and a Problem that names both lines. */
const uniqueEntries = (entries: readonly YamlEntry[], place: Place): readonly YamlEntry[] => {
  const seen = new Map<string, YamlScalar>();
  return entries.filter(({ key }) => {
    const first = seen.get(key.text);
    if (first === undefined) seen.set(key.text, key);
    else place.report(duplicateKey(key, first));
    return first === undefined;
  });
};

/** An entry whose key is a name of the user's; its range is that of the name. */
export type Named<T> = { readonly name: string; readonly value: T; readonly range: YamlScalar['range'] };

export const readNamed = <T>({ key, value }: YamlEntry, name: TextShape<string>, shape: Shape<T>, place: Place): Named<T> | undefined => {
  const there = inside(place, key.text, key.range);
  const readName = name.read(key, there);
  const readValue = shape.read(value, there);
  return readName === undefined || readValue === undefined ? undefined : { name: readName, value: readValue, range: key.range };
};

/** A mapping (or its list form) whose keys are names that the user chooses; nothing at all has no entries. */
export const record = <T>(name: TextShape<string>, shape: Shape<T>): Shape<readonly Named<T>[]> => {
  const object = { type: 'object', propertyNames: name.schema, additionalProperties: shape.schema };
  return {
    schema: { anyOf: [object, { type: 'array', items: { ...object, minProperties: 1, maxProperties: 1 } }, { type: 'null' }] },
    read: (node, place) => {
      if (isEmpty(node)) return [];
      const entries = listableEntries(node, place);
      return entries && allOrNone(entries.map((entry) => readNamed(entry, name, shape, place)));
    },
  };
};
