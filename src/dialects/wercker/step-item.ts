import type { Range } from '../../plan/problem.ts';
import { duplicateKey, type YamlEntry, type YamlMap, type YamlNode } from '../yaml.ts';
import { quoted } from '../quoted.ts';
import { allOrNone, blame, inside, type Place, type Shape, wrongType } from '../shape.ts';
import { isNothing } from './nothing.ts';
import { isReference, stepNameOf } from './step-reference.ts';

/** One item of a list of steps. */
export type StepItem = {
  /** As it is written: what names the code. */
  readonly reference: string;
  readonly name?: string;
  readonly cwd?: string;
  readonly checkpoint?: string;
  readonly code?: string;
  /** All others, in the order of the text. */
  readonly options: readonly Option[];
  readonly range: Range;
};

export type Option = { readonly key: string; readonly text: string; readonly range: Range };

const option = { type: ['string', 'number', 'boolean', 'null'] };

export const stepItem: Shape<StepItem> = {
  schema: {
    anyOf: [
      { type: 'string' },
      {
        type: 'object',
        minProperties: 1,
        additionalProperties: { anyOf: [option, { type: 'object', additionalProperties: option }] },
      },
    ],
  },
  read: (node, place) => {
    if (isNothing(node)) return blame(place, { code: 'EMPTY_STEP', message: `"${place.path}" is empty.`, hint: 'Remove the dash.' });
    if (node.kind === 'scalar')
      return referenced(node.text, node.range, place) && { reference: node.text.trim(), options: [], range: node.range };
    if (node.kind === 'list') return wrongType(node, place, 'the name of a step, or a mapping with its options');
    const [first, ...others] = node.entries;
    if (first === undefined) return blame(place, { code: 'EMPTY_STEP', message: `"${place.path}" is empty.`, hint: 'Name a step.' });
    const options = optionsOf(node, first, others, place);
    return (
      options &&
      referenced(first.key.text, first.key.range, place) &&
      stepOf(first, options, inside(place, first.key.text, first.key.range))
    );
  },
};

const referenced = (text: string, range: Range, place: Place): true | undefined =>
  isReference(text) ||
  blame(
    place,
    {
      code: 'STEP_REFERENCE',
      message: `${quoted(text)} names no step.`,
      hint: 'Write name, owner/name, owner/name@1.2.3, or a name and behind it "file://PATH" or "https://…/step.tgz" in quotes.',
    },
    range,
  );

/** The options of a step; what stands beside its name and not below it is taken for them too. */
const optionsOf = (map: YamlMap, first: YamlEntry, others: readonly YamlEntry[], place: Place): readonly YamlEntry[] | undefined => {
  const { key, value } = first;
  if (others.length === 0) {
    if (value.kind === 'map') return value.entries;
    return isNothing(value) ? withoutOptions(first, place) : notOptions(first, place);
  }
  if (value.kind !== 'map' && !isNothing(value)) return notFirst(map, first, place);
  blame(
    place,
    {
      code: 'STEP_INDENTATION',
      message: `The options of ${quoted(key.text)} stand beside it, and are taken for its own.`,
      hint: 'Indent them further than the name of the step.',
    },
    others[0]?.key.range,
  );
  const inner = value.kind === 'map' ? value.entries : [];
  const given = new Map(inner.map((entry) => [entry.key.text, entry.key]));
  const twice = others.flatMap((other) => {
    const earlier = given.get(other.key.text);
    return earlier === undefined ? [] : [duplicateKey(other.key, earlier)];
  });
  for (const problem of twice) place.report(problem);
  return twice.length > 0 ? undefined : [...inner, ...others];
};

const withoutOptions = ({ key }: YamlEntry, place: Place): readonly YamlEntry[] | undefined => {
  if (stepNameOf(key.text).name === 'script') {
    return blame(
      place,
      { code: 'EMPTY_STEP', message: `${quoted(key.text)} has no "code".`, hint: 'Write what to run below it: "code: make".' },
      key.range,
    );
  }
  const message = `Nothing stands after the colon of ${quoted(key.text)}.`;
  blame(place, { code: 'STEP_INDENTATION', message, hint: `Write "- ${key.text}" for a step without options.` }, key.range);
  return [];
};

const notOptions = ({ key, value }: YamlEntry, place: Place): undefined => {
  const hint =
    value.kind === 'scalar' && stepNameOf(key.text).name === 'script'
      ? 'Write "code:" below it, and there what to run.'
      : 'Write its options below it, each as "key: value".';
  return blame(place, { code: 'WRONG_TYPE', message: `The options of ${quoted(key.text)} must be a mapping.`, hint }, value.range);
};

const notFirst = ({ entries }: YamlMap, { key, value }: YamlEntry, place: Place): undefined => {
  const step = entries.find((entry) => entry.value.kind === 'map' || entry.key.text === 'script')?.key.text;
  return blame(
    place,
    {
      code: 'WRONG_TYPE',
      message: `${quoted(key.text)} stands where the name of a step is, with a text after it.`,
      hint: `The first key of an item is the step${step === undefined ? '' : `: put "${step}:" first`}, and its options stand below it.`,
    },
    value.range,
  );
};

/** Options of every step. */
export const ownKeys: ReadonlySet<string> = new Set(['name', 'cwd', 'checkpoint', 'code']);

const stepOf = ({ key }: YamlEntry, entries: readonly YamlEntry[], place: Place): StepItem | undefined => {
  const read = allOrNone(entries.map((entry) => readOption(entry, place)));
  if (read === undefined) return undefined;
  const own = (name: string) => read.find((each) => each.key === name)?.text;
  const part = (name: 'name' | 'cwd' | 'checkpoint' | 'code') => {
    const value = own(name);
    return value === undefined || value === '' ? {} : { [name]: value };
  };
  return {
    reference: key.text.trim(),
    ...part('name'),
    ...part('cwd'),
    ...part('checkpoint'),
    ...part('code'),
    options: read.filter((each) => !ownKeys.has(each.key)),
    range: key.range,
  };
};

const readOption = ({ key, value }: YamlEntry, place: Place): Option | undefined => {
  const text = optionText(value, ownKeys.has(key.text));
  return text === undefined ? wrongType(value, inside(place, key.text, key.range), 'a text') : { key: key.text, text, range: value.range };
};

/** The source's own text, but for the words of YAML for yes, no and nothing. */
export const optionText = (node: YamlNode, isText = false): string | undefined => {
  if (node.kind !== 'scalar') return undefined;
  if (isNothing(node)) return '';
  if (isText || node.style !== 'plain') return node.text;
  if (/^(?:true|yes|on)$/i.test(node.text)) return 'true';
  return /^(?:false|no|off)$/i.test(node.text) ? 'false' : node.text;
};
