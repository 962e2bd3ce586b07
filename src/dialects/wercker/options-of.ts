import { didYouMean, nearestWord } from '../../lib/did-you-mean.ts';
import type { Variable } from '../../plan/plan.ts';
import { quoted } from '../quoted.ts';
import { blame, type Place } from '../shape.ts';
import { shellValue } from './environment.ts';
import type { Property } from './manifest.ts';
import { type Option, ownKeys, type StepItem } from './step-item.ts';

/** The options of a step as variables (R-WRK-41 … 47): what its manifest says first, then what the text says. */
export const optionVariables = (item: StepItem, name: string, properties: readonly Property[], place: Place): readonly Variable[] => {
  checkOptions(item, name, properties, place);
  const values = new Map(properties.map((property) => [variableOf(name, property.name), property.default ?? '']));
  for (const { key, text } of item.options) values.set(variableOf(name, key), text);
  return [...values].map(([variable, text]) => ({ name: variable, value: shellValue(text) }));
};

/** `s3sync` and `key-id`: `WERCKER_S3SYNC_KEY_ID`. */
const variableOf = (step: string, key: string): string => `WERCKER_${step}_${key}`.toUpperCase().replace(/[^A-Z0-9_]/g, '_');

/** `room_id` is the option `room-id`: both are the same variable. */
const sameName = (key: string): string => variableOf('', key);

const checkOptions = (item: StepItem, name: string, properties: readonly Property[], place: Place): void => {
  const step = quoted(item.reference);
  const given = new Map(item.options.map((option) => [sameName(option.key), option]));
  const known = new Map(properties.map((property) => [sameName(property.name), property]));
  for (const { name, required, default: usual = '' } of properties) {
    const option = given.get(sameName(name));
    if (!required || usual !== '' || (option?.text ?? '') !== '') continue;
    const message = `The step ${step} needs the option "${name}".`;
    blame(place, { code: 'OPTION_MISSING', message, hint: `Add "${name}:" below it.` }, option?.range);
  }
  const names = [...properties.map((property) => property.name), ...ownKeysOf(name, properties)];
  for (const option of item.options) {
    tellCommand(option, place);
    const property = known.get(sameName(option.key));
    if (property !== undefined) checkType(property, option, place);
    else if (nearestWord(option.key, names) !== undefined) {
      const message = `${quoted(option.key)} is no option of ${step}.`;
      blame(place, { code: 'OPTION_UNKNOWN', message, hint: didYouMean(option.key, names) }, option.range);
    }
  }
};

/** What a step that says nothing of its options has is not known: any word may be one. */
const ownKeysOf = (name: string, properties: readonly Property[]): readonly string[] =>
  name === 'script' || properties.length > 0 ? [...ownKeys] : [];

const tellCommand = ({ key, text, range }: Option, place: Place): void => {
  if (!/\$\(/.test(text)) return;
  const message = `The command in the option "${key}" is not run: only variables are filled.`;
  blame(place, { code: 'OPTION_COMMAND', message, hint: 'Run it in a script before, and export what it prints.' }, range);
};

const forms: Readonly<Record<string, RegExp>> = {
  integer: /^-?\d+$/,
  int: /^-?\d+$/,
  number: /^-?\d+(\.\d+)?$/,
  boolean: /^(?:true|false)$/,
  bool: /^(?:true|false)$/,
};

const checkType = ({ type = 'string' }: Property, { key, text, range }: Option, place: Place): void => {
  const form = Object.hasOwn(forms, type) ? forms[type] : undefined;
  if (form === undefined || text === '' || text.includes('$') || form.test(text)) return;
  blame(place, { code: 'OPTION_TYPE', message: `The option "${key}" is meant to be of the type ${type}, and is ${quoted(text)}.` }, range);
};
