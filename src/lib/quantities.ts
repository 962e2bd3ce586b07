/** Decimal, as engines and registries count: `999 B`, `4.2 MB`. */
export const size = (bytes: number): string => {
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < sizeUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${sizeUnits[unit]}`;
};

/** `1 file`, `2 files`. */
export const plural = (count: number, noun: string): string => `${count} ${count === 1 ? noun : `${noun}s`}`;

const sizeUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
