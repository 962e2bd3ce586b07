import { randomBytes } from 'node:crypto';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const timeDigits = 10;
const randomDigits = 16;

let lastTime = 0;
let lastRandom: number[] = [];

/**
 * `run_` and 26 characters of Crockford's base 32: 48 bits of time, 80 random. Sorts by time, also within one process and millisecond,
 * and is unique across machines (R-DCK-102). Lower case, so that it may stand in names of containers, volumes and files.
 */
export const newRunId = (now: number): string => {
  lastRandom = now > lastTime ? fresh() : incremented(lastRandom);
  lastTime = Math.max(now, lastTime);
  return `run_${encodeTime(lastTime)}${lastRandom.map((digit) => alphabet[digit]).join('')}`;
};

export const isRunId = (text: string): boolean => /^run_[0-9a-hjkmnp-tv-z]{26}$/.test(text);

const fresh = (): number[] => Array.from(randomBytes(randomDigits), (byte) => byte & 31);

const incremented = (digits: readonly number[]): number[] => {
  const next = [...digits];
  for (let i = next.length - 1; i >= 0; i--) {
    const digit = next[i] ?? 0;
    if (digit < 31) {
      next[i] = digit + 1;
      return next;
    }
    next[i] = 0;
  }
  return next;
};

const encodeTime = (time: number): string => {
  let rest = time;
  let text = '';
  for (let i = 0; i < timeDigits; i++) {
    text = `${alphabet[rest % 32]}${text}`;
    rest = Math.floor(rest / 32);
  }
  return text;
};
