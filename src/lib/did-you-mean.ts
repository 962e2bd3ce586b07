/** A hint that names the nearest known word, or lists the words when they are few and none is near; `undefined` when there are none. */
export const didYouMean = (word: string, known: Iterable<string>): string | undefined => {
  const words = [...known];
  const nearest = nearestWord(word, words);
  if (nearest !== undefined) return `Did you mean "${nearest}"?`;
  if (words.length === 0 || words.length > 8) return undefined;
  return `Known are: ${words.map((name) => `"${name}"`).join(', ')}.`;
};

/** The known word with the least edit distance, if that is at most a third of its length (at least one). */
export const nearestWord = (word: string, known: readonly string[]): string | undefined => {
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of known) {
    const limit = Math.max(1, Math.floor(Math.max(name.length, word.length) / 3));
    if (Math.abs(name.length - word.length) > limit || name.length > longestWord) continue;
    const distance = editDistance(word.toLowerCase(), name.toLowerCase());
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
};

/** Nobody mistypes longer ones, and the distance takes quadratic time. */
const longestWord = 100;

/** Insertions, deletions, replacements and swaps of neighbours. */
const editDistance = (a: string, b: string): number => {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replace, swapped ? (beforeLast[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY),
      );
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
};
