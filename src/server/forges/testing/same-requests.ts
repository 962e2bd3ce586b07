import assert from 'node:assert/strict';
import type { StandInRequest, StandInServer } from './stand-in-server.ts';

/**
 * For each deed, that the last request of ours is the last one of a library that knows the forge: method, path, query, and the names in the body. Numbers at the
 * end of a path may differ, for each has made its own.
 */
export const sameRequests = async (
  { requests }: StandInServer,
  deeds: Readonly<Record<string, readonly [ours: () => Promise<unknown>, theirs: () => Promise<unknown>]>>,
): Promise<void> => {
  for (const [what, [ours, theirs]] of Object.entries(deeds)) {
    await ours();
    const one = shapeOf(requests.at(-1));
    await theirs();
    const other = shapeOf(requests.at(-1));
    assert.deepEqual(one, other, what);
  }
};

const shapeOf = (request: StandInRequest | undefined) => ({
  method: request?.method,
  path: request?.path.replace(/\/\d+$/, '/N'),
  query: Object.fromEntries(request?.query ?? []),
  body: request === undefined || request.body.length === 0 ? {} : namesOf(JSON.parse(request.body.toString())),
});

const namesOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, namesOf(inner)]))
    : typeof value;
