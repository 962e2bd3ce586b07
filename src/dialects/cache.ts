import { posix } from 'node:path';
import type { Mount } from '../plan/plan.ts';
import { parsed, type Range, refused } from '../plan/problem.ts';
import { looseEntries, readNamed } from './entries.ts';
import { nameShape } from './names.ts';
import { quoted } from './quoted.ts';
import { allOrNone, blame, mapped, type Place, type Shape, textAs } from './shape.ts';

/** A directory that is kept from run to run; without a name its path is its key. */
export type Cache = { readonly key: string; readonly path: string; readonly range: Range };

const example = 'Write an absolute path or one below the home of the user, as in ~/.npm.';

const path = textAs('a path', { type: 'string', pattern: '^(~/|/).' }, (given) => {
  const place = posix.normalize(given).replace(/(.)\/$/, '$1');
  const isPlace = /^~?\/./.test(given) && !given.split('/').includes('..') && place !== '~' && place !== '/';
  return isPlace ? parsed(place) : refused({ code: 'BAD_CACHE', message: `${quoted(given)} is no place for a cache.`, hint: example });
});

const name = nameShape(
  'a cache’s name',
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
  'Use letters, digits, ".", "_" and "-", at most 63, the first a letter or digit.',
);

const named = { type: 'object', propertyNames: name.schema, additionalProperties: path.schema };

/** A path, a list of paths and of `name: path`, or a mapping of names to paths. */
const caches: Shape<readonly Cache[]> = {
  schema: {
    anyOf: [path.schema, { type: 'array', items: { anyOf: [path.schema, { ...named, minProperties: 1, maxProperties: 1 }] } }, named],
  },
  read: (node, place) => {
    const entries = looseEntries(node, place, (scalar) => ({ key: scalar, value: scalar }));
    return allOrNone(
      entries.map((entry): Cache | undefined => {
        if (entry.key === entry.value) {
          const alone = path.read(entry.value, { ...place, range: entry.value.range });
          return alone === undefined ? undefined : { key: alone, path: alone, range: entry.value.range };
        }
        const read = readNamed(entry, name, path, place);
        return read && { key: read.name, path: read.value, range: entry.value.range };
      }),
    );
  },
};

export const cacheSchema = caches.schema;

/** `isTaken`: places where the dialect itself puts files. */
export const cacheBeside = (isTaken: (path: string) => boolean): Shape<readonly Cache[]> =>
  mapped(caches, (given, place) => {
    const wrong = given.filter(({ path, range }, i) => {
      const other = given.slice(0, i).find((earlier) => overlap(earlier.path, path));
      if (other?.path === path) return !refuse(place, `Two caches are at ${path}.`, range);
      if (other !== undefined) return !refuse(place, `The caches at ${other.path} and at ${path} stand in each other.`, range);
      return isTaken(path) && !refuse(place, `No cache can be at ${path}.`, range);
    });
    return wrong.length > 0 ? undefined : given;
  });

const refuse = (place: Place, message: string, range: Range): undefined =>
  blame(place, { code: 'BAD_CACHE', message, hint: 'Give it a directory of its own.' }, range);

/** Whether one is the other or stands in it. */
export const overlap = (one: string, other: string): boolean => `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);

export const cacheMounts = (given: readonly Cache[] = []): readonly Mount[] =>
  given.map(({ key, path }) => ({ kind: 'cache', key, path, access: 'read-write' }));
