import { plural } from '../../lib/quantities.ts';

/** `0.4 s`, `12.3 s`, `1m 04s`, `2h 05m`, `3d 04h`. */
export const duration = (ms: number): string => {
  const tenths = Math.round(Math.max(0, ms) / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  return longDuration(Math.round(ms / 1000));
};

/** For clocks that tick: whole seconds, rounded down. */
export const elapsed = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return seconds < 60 ? `${seconds} s` : longDuration(seconds);
};

/** `just now`, `3 minutes ago`, `in 2 hours` where clocks disagree. */
export const ago = (at: number, now: number): string => {
  const ms = Math.abs(now - at);
  if (ms < 5_000) return 'just now';
  const [count, unit] = largestUnit(ms);
  return now >= at ? `${plural(count, unit)} ago` : `in ${plural(count, unit)}`;
};

/** `2026-11-21 12:29:07` in the given or the machine's zone. */
export const dateTime = (at: number, timeZone?: string): string =>
  new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', ...(timeZone === undefined ? {} : { timeZone }) }).format(at);

/** `a`, `a and b`, `a, b and c`. */
export const list = (items: readonly string[], conjunction = 'and'): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} ${conjunction} ${items.at(-1)}`;

/** As git shortens a commit. */
export const shortCommit = (commit: string): string => commit.slice(0, 7);

/** `sha256:` and twelve digits are enough to tell images apart. */
export const shortDigest = (digest: string): string => digest.replace(/^(\w+:[0-9a-f]{12})[0-9a-f]+$/, '$1');

/** For tables: twelve digits alone. */
export const digestDigits = (digest: string): string => shortDigest(digest).replace(/^\w+:/, '');

/** With a capital, unless it begins with a name that is no word: `cion-run_1 is gone`, `ghcr.io/a: denied`. */
export const sentence = (text: string): string => text.replace(/^\p{Ll}(?=[\p{L}'’]*(?:[\s,]|$))/u, (first) => first.toUpperCase());

const largestUnit = (ms: number): readonly [number, string] => {
  for (const [length, unit] of timeUnits) if (ms >= length) return [Math.floor(ms / length), unit];
  return [0, 'second'];
};
const timeUnits = [
  [365 * 86_400_000, 'year'],
  [30 * 86_400_000, 'month'],
  [7 * 86_400_000, 'week'],
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
] as const;

const longDuration = (seconds: number): string => {
  const two = (count: number): string => String(count).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d ${two(Math.floor((seconds % 86_400) / 3600))}h`;
};
