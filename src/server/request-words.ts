import type { FastifySchemaValidationError } from 'fastify';

/** What of a request is not as its address takes it, for who sent it: `"settings.branches", item 1: it must have at least 1 character`. */
export const requestWords = (
  issue: Pick<FastifySchemaValidationError, 'keyword' | 'instancePath' | 'params' | 'message'> | undefined,
): string => {
  const what = issue === undefined ? undefined : meant(issue);
  const where = whereOf(issue?.instancePath ?? '');
  return `${where === '' ? 'The request' : where}: ${(what ?? 'it is not what this address takes').replace(/\.$/, '')}`;
};

const whereOf = (path: string): string => {
  const parts = path.split('/').filter((part) => part !== '');
  const named = parts.filter((part) => !isPlace(part));
  const place = parts.findLast(isPlace);
  return [
    ...(named.length === 0 ? [] : [JSON.stringify(named.join('.'))]),
    ...(place === undefined ? [] : [`item ${Number(place) + 1}`]),
  ].join(', ');
};

const isPlace = (part: string): boolean => /^\d+$/.test(part);

const meant = ({ keyword, params, message }: Pick<FastifySchemaValidationError, 'keyword' | 'params' | 'message'>): string | undefined => {
  const { origin, minimum, maximum, expected, values, keys, options, format, issues } = params;
  switch (keyword) {
    case 'too_small':
      return typeof minimum === 'number' ? `it must ${sizeWords('at least', minimum, origin)}` : message;
    case 'too_big':
      return typeof maximum === 'number' ? `it must ${sizeWords('at most', maximum, origin)}` : message;
    case 'invalid_type':
      return message?.endsWith('received undefined') ? 'it is missing' : `it must be ${typeWords[String(expected)] ?? String(expected)}`;
    case 'invalid_value':
      return Array.isArray(values) ? oneOf(values) : message;
    case 'invalid_union':
      return Array.isArray(options) ? oneOf(options) : message;
    case 'invalid_format':
      return format === 'email' ? 'it must be an address of mail' : message;
    case 'invalid_key':
      return Array.isArray(issues) ? (issues as readonly { readonly message?: string }[])[0]?.message : message;
    case 'unrecognized_keys':
      return Array.isArray(keys)
        ? `${keys.map((key) => JSON.stringify(String(key).slice(0, 100))).join(', ')} is nothing that it may have`
        : message;
    default:
      return message;
  }
};

const oneOf = (values: readonly unknown[]): string => `it must be ${values.map((value) => JSON.stringify(value)).join(' or ')}`;

const sizeWords = (side: string, count: number, origin: unknown): string => {
  const noun = origin === 'string' ? 'character' : origin === 'array' || origin === 'set' ? 'item' : undefined;
  return noun === undefined ? `be ${side} ${count}` : `have ${side} ${count} ${noun}${count === 1 ? '' : 's'}`;
};

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};
