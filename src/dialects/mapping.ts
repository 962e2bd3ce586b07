import { didYouMean, nearestWord } from '../lib/did-you-mean.ts';
import { listableEntries, plainEntries } from './entries.ts';
import { quoted } from './quoted.ts';
import { allOrNone, blame, inside, type JsonSchema, type Place, type Shape } from './shape.ts';
import { isEmpty, type YamlEntry } from './yaml.ts';

/** A key of a mapping: what stands below it, and what an editor says of it. */
export type Field<T, Required extends boolean = boolean> = {
  readonly shape: Shape<T>;
  readonly description: string;
  readonly required: Required;
};

export const optional = <T>(shape: Shape<T>, description: string): Field<T, false> => ({ shape, description, required: false });
export const required = <T>(shape: Shape<T>, description: string): Field<T, true> => ({ shape, description, required: true });

type Fields = { readonly [key: string]: Field<unknown> };
type ValueOf<F> = F extends Field<infer T> ? T : never;

/** Required keys are there, the others when they are given. */
export type MappingOf<F extends Fields> = {
  readonly [K in keyof F as F[K] extends Field<unknown, true> ? K : never]: ValueOf<F[K]>;
} & {
  readonly [K in keyof F as F[K] extends Field<unknown, true> ? never : K]?: ValueOf<F[K]>;
};

type Options = {
  /** May also be a list of mappings with one key each. */
  readonly listForm?: boolean;
  /** Pairs of keys of which only one may be given. */
  readonly apart?: readonly (readonly [string, string])[];
  /** Keys that begin so are left unread: a place for anchors. */
  readonly ignored?: string;
  /** Words that others use for a key of ours: a hint names it. */
  readonly alike?: Readonly<Record<string, string>>;
  /** Unknown keys are told (KEY_UNUSED) and left out. */
  readonly lenient?: true;
};

/** A mapping with known keys. */
export const mapping = <F extends Fields>(fields: F, options: Options = {}): Shape<MappingOf<F>> => ({
  schema: mappingSchema(fields, options),
  read: (node, place) => {
    const all = isEmpty(node) && requiredKeys(fields).length > 0 ? [] : (options.listForm ? listableEntries : plainEntries)(node, place);
    if (all === undefined) return undefined;
    const { ignored, lenient } = options;
    const meant = ignored === undefined ? all : all.filter(({ key }) => !key.text.startsWith(ignored));
    const entries = lenient ? withoutUnused(fields, meant, place) : meant;
    const values = allOrNone(entries.map((entry) => readField(fields, entry, place, options)));
    const complete = hasRequired(fields, entries, place, options);
    const apart = keepsApart(options.apart ?? [], entries, place);
    return values !== undefined && complete && apart ? (Object.fromEntries(values) as MappingOf<F>) : undefined;
  },
});

const requiredKeys = (fields: Fields): readonly string[] => Object.keys(fields).filter((key) => fields[key]?.required);

const readField = (fields: Fields, { key, value }: YamlEntry, place: Place, options: Options): readonly [string, unknown] | undefined => {
  const field = Object.hasOwn(fields, key.text) ? fields[key.text] : undefined;
  if (field === undefined) return unknownKey(Object.keys(fields), key.text, { ...place, range: key.range }, options);
  const read = field.shape.read(value, inside(place, key.text, key.range));
  return read === undefined ? undefined : [key.text, read];
};

const withoutUnused = (fields: Fields, entries: readonly YamlEntry[], place: Place): readonly YamlEntry[] =>
  entries.filter(({ key }) => {
    if (Object.hasOwn(fields, key.text)) return true;
    const message = `${quoted(key.text)} has no meaning in "${place.path}".`;
    blame(place, { code: 'KEY_UNUSED', message, hint: didYouMean(key.text, Object.keys(fields)) ?? 'Remove it.' }, key.range);
    return false;
  });

/** A mistyped key is told as unknown, and not as missing too. */
const meantKey = (fields: Fields, key: string, options: Options): string | undefined =>
  Object.hasOwn(fields, key) ? key : nearestWord(ourWord(key, Object.keys(fields), options), Object.keys(fields));

const ourWord = (key: string, known: readonly string[], { alike = {} }: Options): string => {
  const ours = Object.hasOwn(alike, key) ? alike[key] : undefined;
  return ours !== undefined && known.includes(ours) ? ours : key;
};

const unknownKey = (known: readonly string[], key: string, place: Place, options: Options): undefined =>
  blame(place, {
    code: 'UNKNOWN_KEY',
    message: `${quoted(key)} is not a key of ${place.path === '' ? 'the file' : `"${place.path}"`}.`,
    hint: didYouMean(ourWord(key, known, options), known) ?? `Known are: ${known.map((name) => `"${name}"`).join(', ')}.`,
  });

const hasRequired = (fields: Fields, entries: readonly YamlEntry[], place: Place, options: Options): boolean => {
  const given = new Set(entries.map(({ key }) => meantKey(fields, key.text, options)));
  const missing = requiredKeys(fields).filter((key) => !given.has(key));
  for (const key of missing) {
    const message = `${place.path === '' ? 'The file' : `"${place.path}"`} has no "${key}".`;
    blame(place, { code: 'MISSING_KEY', message, hint: `Add it: ${fields[key]?.description}` });
  }
  return missing.length === 0;
};

const keepsApart = (pairs: readonly (readonly [string, string])[], entries: readonly YamlEntry[], place: Place): boolean => {
  const given = new Map(entries.map(({ key }) => [key.text, key]));
  const conflicts = pairs.filter(([one, other]) => given.has(one) && given.has(other));
  for (const [one, other] of conflicts) {
    const message = `"${one}" and "${other}" cannot stand side by side.`;
    blame(place, { code: 'CONFLICTING_KEYS', message, hint: `Remove "${one}" or "${other}".` }, given.get(other)?.range);
  }
  return conflicts.length === 0;
};

const mappingSchema = (fields: Fields, { listForm, apart, ignored, lenient }: Options): JsonSchema => {
  const needed = requiredKeys(fields);
  const object = {
    type: 'object',
    properties: Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, described(field)])),
    ...(ignored === undefined ? {} : { patternProperties: { [`^${ignored}`]: {} } }),
    additionalProperties: lenient === true,
  };
  const whole = {
    ...object,
    ...(needed.length > 0 ? { required: needed } : {}),
    ...(apart === undefined ? {} : { allOf: apart.map((pair) => ({ not: { required: pair } })) }),
  };
  return listForm ? { anyOf: [whole, { type: 'array', items: { ...object, minProperties: 1, maxProperties: 1 } }] } : whole;
};

/** Beside a `$ref` other keywords would be ignored. */
const described = ({ description, shape }: Field<unknown>): JsonSchema =>
  '$ref' in shape.schema ? { description, allOf: [shape.schema] } : { description, ...shape.schema };
