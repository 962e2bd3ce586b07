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

/** A limit as people say it: `30 s`, `10 min`, `1 h 30 min`, `500 ms`. */
export const limit = (ms: number): string => {
  if (ms < 1000) return `${ms} ms`;
  const seconds = ms / 1000;
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [Number((seconds % 60).toFixed(1)), 's'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
};

/** `1 file`, `2 files`. */
export const plural = (count: number, noun: string): string => `${count} ${count === 1 ? noun : `${noun}s`}`;

const sizeUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
