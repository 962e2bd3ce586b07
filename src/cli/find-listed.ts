import { Refusal } from './refusal.ts';

/** As much of an id as lists show. */
export const shortId = (id: string): string => id.slice(0, 8);

/** The one of a list that an id or its beginning names. `what` and `lister` are for the refusal: `schedule`, `cion schedules`. */
export const findListed = <T extends { readonly id: string }>(
  rows: readonly T[],
  text: string,
  { what, lister }: { readonly what: string; readonly lister: string },
): T => {
  const exact = rows.find(({ id }) => id === text);
  const begun = text === '' ? [] : rows.filter(({ id }) => id.startsWith(text));
  const found = exact ?? (begun.length === 1 ? begun[0] : undefined);
  if (found !== undefined) return found;
  const message =
    begun.length === 0 ? `There is no ${what} ${JSON.stringify(text)}.` : `Several ${what}s begin with ${JSON.stringify(text)}.`;
  throw new Refusal('USAGE', message, begun.length === 0 ? `"${lister}" lists them.` : 'Give more of its id.');
};
