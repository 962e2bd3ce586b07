import { type Parsed, parsed, refused } from '../plan/problem.ts';
import { quoted } from './quoted.ts';
import { type TextShape, textAs } from './shape.ts';

const units = { k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 } as const;
const form = /^(\d{1,6}(?:\.\d{1,3})?)([kmgt])(?:i?b)?$/i;

/** The least that container engines grant. */
const leastBytes = 6 * units.m;

/** `512m`, `1.5g`, `512MiB` as bytes; units count by 1024, as those of `docker run --memory` do. */
export const parseMemorySize = (text: string): Parsed<number> => {
  const [, amount, unit] = form.exec(text) ?? [];
  if (amount === undefined || unit === undefined) {
    return refused({ code: 'BAD_MEMORY_SIZE', message: `${quoted(text)} is not a size of memory.`, hint: 'Write it like 512m or 2g.' });
  }
  const bytes = Math.round(Number(amount) * units[unit.toLowerCase() as keyof typeof units]);
  if (bytes >= leastBytes) return parsed(bytes);
  return refused({ code: 'BAD_MEMORY_SIZE', message: `${quoted(text)} is too little memory for a container.`, hint: 'The least is 6m.' });
};

export const memorySize: TextShape<number> = textAs(
  'a size of memory',
  { type: 'string', pattern: '^\\d+(\\.\\d+)?[kmgtKMGT](i?[bB])?$' },
  parseMemorySize,
);
