/** Runs two things in turn, A B A B …, after one of each that does not count; the medians in milliseconds and the median of the pairs' ratios. */
export const inTurn = async (
  times: number,
  a: () => Promise<number>,
  b: () => Promise<number>,
): Promise<{ readonly a: number; readonly b: number; readonly ratio: number }> => {
  await a();
  await b();
  const pairs: { readonly a: number; readonly b: number }[] = [];
  for (let i = 0; i < times; i++) pairs.push({ a: await a(), b: await b() });
  return {
    a: median(pairs.map((pair) => pair.a)),
    b: median(pairs.map((pair) => pair.b)),
    ratio: median(pairs.map((pair) => pair.a / pair.b)),
  };
};

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};
