import type { Problem } from '../../plan/problem.ts';
import type { ConfigFile } from '../dialect.ts';
import { readYaml, type YamlEntry, type YamlMap, type YamlNode } from '../yaml.ts';
import { optionText } from './step-item.ts';

/** What a step says of one of its options. */
export type Property = { readonly name: string; readonly type?: string; readonly default?: string; readonly required: boolean };

/** The options that a step's manifest names, in either of its forms: a list, or a mapping by name. What is wrong with it is told. */
export const propertiesOf = (manifest: ConfigFile | undefined, report: (problem: Problem) => void): readonly Property[] => {
  if (manifest === undefined) return [];
  const read = readYaml(manifest);
  if (!read.ok) {
    const [first] = read.problems;
    const message = `${manifest.path} of a step cannot be read, so its options have no defaults: ${first?.message ?? ''}`;
    report({ code: 'STEP_MANIFEST_UNREAD', message, hint: 'Tell who wrote the step.', ...(first?.range && { range: first.range }) });
    return [];
  }
  const properties = entryOf(read.value, 'properties')?.value;
  if (properties?.kind === 'list') {
    return properties.items.flatMap((item) => {
      const name = textOf(item, 'name');
      return item.kind !== 'map' || name === undefined ? [] : [propertyOf(name, item)];
    });
  }
  if (properties?.kind !== 'map') return [];
  return properties.entries.map(({ key, value }) =>
    value.kind === 'map' ? propertyOf(key.text, value) : { name: key.text, required: false },
  );
};

const entryOf = (node: YamlNode, name: string): YamlEntry | undefined =>
  node.kind === 'map' ? node.entries.find(({ key }) => key.text === name) : undefined;

const textOf = (node: YamlNode, name: string): string | undefined => {
  const value = entryOf(node, name)?.value;
  return value === undefined ? undefined : optionText(value);
};

const propertyOf = (name: string, map: YamlMap): Property => {
  const [type, usual] = [textOf(map, 'type'), textOf(map, 'default')];
  return {
    name,
    ...(type === undefined ? {} : { type }),
    ...(usual === undefined ? {} : { default: usual }),
    required: textOf(map, 'required') === 'true',
  };
};
