import { isAlias, isMap, isScalar, isSeq, type Pair, type ParsedNode, type Scalar } from 'yaml';
import type { Parsed, Problem, Range } from '../plan/problem.ts';
import { parsed, refused } from '../plan/problem.ts';
import type { ConfigFile } from './dialect.ts';
import { inOrder } from './in-order.ts';
import { quoted } from './quoted.ts';
import { decodeUtf8 } from './utf8.ts';
import { deepest, parseSyntax, type Ranges, tooDeep } from './yaml-syntax.ts';

/** A file's content as it is written: every node with its range, every scalar as text. */
export type YamlNode = YamlScalar | YamlList | YamlMap;

/**
 * `plain` text is the source's own: `1.10`, `yes`, `0x1F` and `~` stay what they are, and nothing at all is the empty text. `quoted`
 * and `block` text is what they stand for.
 */
export type YamlScalar = {
  readonly kind: 'scalar';
  readonly text: string;
  readonly style: 'plain' | 'quoted' | 'block';
  readonly range: Range;
};
export type YamlList = { readonly kind: 'list'; readonly items: readonly YamlNode[]; readonly range: Range };
/** Keys are unique; merged ones (`<<`) come last. */
export type YamlMap = { readonly kind: 'map'; readonly entries: readonly YamlEntry[]; readonly range: Range };
export type YamlEntry = { readonly key: YamlScalar; readonly value: YamlNode };

/** Nothing is written there: an empty file, or a key without a value. */
export const isEmpty = (node: YamlNode): boolean => node.kind === 'scalar' && node.style === 'plain' && node.text === '';

/**
 * Reads one YAML document. Total: whatever the bytes are, the answer is a node or Problems, in bounded time and depth. Anchors, aliases
 * and merge keys are resolved; an alias has the range of the place where it is used.
 */
export const readYaml = (file: ConfigFile): Parsed<YamlNode> => {
  if (file.bytes.length > largestBytes) return refused(tooLarge(file));
  const text = decodeUtf8(file);
  if (!text.ok) return text;
  const { document, ranges, problems } = parseSyntax(file.path, text.value);
  if (problems.length > 0) return refused(...problems);
  const reading: Reading = { ranges, anchors: new Map(), problems: [], aliasedNodes: 0 };
  const root = document?.contents ?? undefined;
  const { node } = root === undefined ? nothing(ranges(0, 0)) : convert(root, reading);
  return reading.problems.length > 0 ? refused(...inOrder(reading.problems)) : parsed(node);
};

const largestBytes = 1024 * 1024;

/** What aliases may blow a file up by. */
const mostAliasedNodes = 100_000;

const tooLarge = (file: ConfigFile): Problem => ({
  code: 'CONFIG_TOO_LARGE',
  message: `${file.path} is larger than ${largestBytes / 1024} KiB.`,
  hint: 'Move scripts into files of their own.',
  range: { file: file.path, start: { line: 1, column: 1 }, end: { line: 1, column: 1 } },
});

type Reading = {
  readonly ranges: Ranges;
  /** Anchors that are complete, and those that are being read. */
  readonly anchors: Map<string, Converted | 'open'>;
  readonly problems: Problem[];
  aliasedNodes: number;
};

/** `size` and `depth` count aliases as if they were written out. */
type Converted = { readonly node: YamlNode; readonly size: number; readonly depth: number };

const nothing = (range: Range): Converted => ({ node: { kind: 'scalar', text: '', style: 'plain', range }, size: 1, depth: 1 });

const convert = (node: ParsedNode, reading: Reading): Converted => {
  if (isAlias(node)) return resolveAlias(node.source, rangeOf(node, reading), reading);
  const anchor = node.anchor;
  if (anchor !== undefined) reading.anchors.set(anchor, 'open');
  const converted = convertContent(node, reading);
  if (anchor !== undefined) reading.anchors.set(anchor, converted);
  if (node.tag !== undefined && !knownTags.has(node.tag)) reading.problems.push(unknownTag(node.tag, converted.node.range));
  return converted;
};

const convertContent = (node: ParsedNode, reading: Reading): Converted => {
  const range = rangeOf(node, reading);
  if (isScalar(node)) return { node: scalarOf(node, range, reading), size: 1, depth: 1 };
  if (isSeq(node)) {
    const items = node.items.map((item) => convert(item, reading));
    return collection({ kind: 'list', items: items.map((item) => item.node), range }, items, reading);
  }
  if (isMap(node)) {
    const entries = (node.items as readonly Pair<ParsedNode | null, ParsedNode | null>[]).flatMap((pair) =>
      convertPair(pair, range, reading),
    );
    return collection(
      { kind: 'map', entries: uniqueEntries(entries, reading), range },
      entries.map((entry) => entry.converted),
      reading,
    );
  }
  return nothing(range);
};

const collection = (node: YamlList | YamlMap, children: readonly Converted[], reading: Reading): Converted => {
  const depth = 1 + children.reduce((most, child) => Math.max(most, child.depth), 0);
  if (depth > 2 * deepest) {
    reading.problems.push(tooDeep(node.range));
    return nothing(node.range);
  }
  return { node, size: 1 + children.reduce((sum, child) => sum + child.size, 0), depth };
};

type ConvertedEntry = { readonly key: YamlScalar; readonly converted: Converted; readonly merged: boolean };

const convertPair = (pair: Pair<ParsedNode | null, ParsedNode | null>, mapRange: Range, reading: Reading): readonly ConvertedEntry[] => {
  const key = pair.key === null ? nothing(mapRange).node : convert(pair.key, reading).node;
  if (key.kind !== 'scalar' || (key.text === '' && key.style === 'plain')) {
    reading.problems.push({ code: 'YAML_KEY', message: 'A key must be a text.', hint: 'Write "key: value".', range: key.range });
    return [];
  }
  const end = { ...key.range, start: key.range.end };
  const converted = pair.value === null ? nothing(end) : convert(pair.value, reading);
  if (key.text === '<<' && key.style === 'plain') return mergedEntries(converted, key.range, reading);
  return [{ key, converted, merged: false }];
};

const mergedEntries = ({ node, size, depth }: Converted, range: Range, reading: Reading): readonly ConvertedEntry[] => {
  const maps = node.kind === 'list' ? node.items : [node];
  return maps.flatMap((map, i) => {
    if (map.kind === 'map') {
      return map.entries.map(({ key, value }, j) => ({
        key,
        converted: { node: value, size: i + j === 0 ? size : 0, depth },
        merged: true,
      }));
    }
    reading.problems.push({
      code: 'YAML_MERGE',
      message: 'Only a mapping can be merged with "<<".',
      hint: 'Write "<<: *name", where name is the anchor of a mapping.',
      range,
    });
    return [];
  });
};

/** What is written wins over what is merged, and what is merged first over what is merged later. */
const uniqueEntries = (entries: readonly ConvertedEntry[], reading: Reading): readonly YamlEntry[] => {
  const written = new Map<string, YamlEntry>();
  for (const { key, converted, merged } of entries) {
    if (merged) continue;
    const first = written.get(key.text);
    if (first === undefined) written.set(key.text, { key, value: converted.node });
    else reading.problems.push(duplicateKey(key, first.key));
  }
  for (const { key, converted, merged } of entries) {
    if (merged && !written.has(key.text)) written.set(key.text, { key, value: converted.node });
  }
  return [...written.values()];
};

export const duplicateKey = (key: YamlScalar, first: YamlScalar): Problem => {
  const [one, other] = [first.range.start.line, key.range.start.line];
  const lines = one === other ? `twice in line ${one}` : `twice, in line ${one} and in line ${other}`;
  return { code: 'DUPLICATE_KEY', message: `${quoted(key.text)} is given ${lines}.`, hint: 'Remove one of them.', range: key.range };
};

const scalarOf = (node: Scalar.Parsed, range: Range, reading: Reading): YamlScalar => {
  const text = typeof node.value === 'string' ? node.value : node.source;
  if (text.includes('\0') || !text.isWellFormed()) {
    reading.problems.push({
      code: 'YAML_CHARACTER',
      message: text.includes('\0') ? 'There is a NUL character in this text.' : 'There is half a surrogate pair in this text.',
      hint: 'Remove it: no program can be given it.',
      range,
    });
  }
  return { kind: 'scalar', text, style: styleOf(node.type), range };
};

const styleOf = (type: Scalar.Parsed['type']): YamlScalar['style'] => {
  if (type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED') return 'block';
  return type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE' ? 'quoted' : 'plain';
};

const resolveAlias = (name: string, range: Range, reading: Reading): Converted => {
  const target = reading.anchors.get(name);
  if (target === undefined || target === 'open') {
    const message =
      target === undefined
        ? `There is no anchor ${quoted(`&${name}`)} before this.`
        : `${quoted(`*${name}`)} stands inside of what it names.`;
    reading.problems.push({ code: 'YAML_ALIAS', message, hint: 'A text that starts with "*" needs quotes.', range });
    return nothing(range);
  }
  const before = reading.aliasedNodes;
  reading.aliasedNodes += target.size;
  if (reading.aliasedNodes <= mostAliasedNodes) return { ...target, node: { ...target.node, range } };
  if (before <= mostAliasedNodes) {
    reading.problems.push({
      code: 'YAML_TOO_MANY_ALIASES',
      message: `Aliases make this file larger than ${mostAliasedNodes} values.`,
      hint: 'Write less with aliases.',
      range,
    });
  }
  return nothing(range);
};

const knownTags: ReadonlySet<string> = new Set(['!', 'tag:yaml.org,2002:str', 'tag:yaml.org,2002:map', 'tag:yaml.org,2002:seq']);

const unknownTag = (tag: string, range: Range): Problem => ({
  code: 'YAML_TAG',
  message: `The tag ${quoted(tag.replace('tag:yaml.org,2002:', '!!'))} has no meaning here.`,
  hint: 'Remove it: every value is read as the text that is written.',
  range,
});

const rangeOf = (node: ParsedNode, reading: Reading): Range => reading.ranges(node.range[0], node.range[1]);
