import { canonicalJson, digestOf } from '../lib/canonical-json.ts';
import type { Plan } from './plan.ts';

/** Equal for plans that mean the same: source ranges do not count, the order of keys does not, the order of nodes does. */
export const planDigest = (plan: Plan): string => digestOf(canonicalJson(withoutRanges(plan)));

const withoutRanges = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutRanges);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, inner]) => (isRange(key, inner) ? [] : [[key, withoutRanges(inner)]])));
};

/** An environment variable may be called `range` too; only a source range has a file and a start. */
const isRange = (key: string, value: unknown): boolean =>
  key === 'range' && typeof value === 'object' && value !== null && 'file' in value && 'start' in value;
