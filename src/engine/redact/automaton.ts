/**
 * Aho–Corasick over bytes: finds every occurrence of every pattern in one pass. `next[state * 256 + byte]` is the next state;
 * `depth[state]` how many of the last bytes are the beginning of a pattern; `match[state]` the length of the longest pattern that ends
 * here, 0 for none. State 0 is the start.
 */
export type Automaton = { readonly next: Int32Array; readonly depth: Int32Array; readonly match: Int32Array };

export const automatonOf = (patterns: readonly Uint8Array[]): Automaton => {
  const states = 1 + patterns.reduce((sum, pattern) => sum + pattern.length, 0);
  const next = new Int32Array(states * 256);
  const depth = new Int32Array(states);
  const match = new Int32Array(states);
  let used = 1;
  for (const pattern of patterns) {
    let state = 0;
    for (const byte of pattern) {
      const at = state * 256 + byte;
      if (next[at] === 0) {
        depth[used] = (depth[state] ?? 0) + 1;
        next[at] = used++;
      }
      state = next[at] ?? 0;
    }
    match[state] = pattern.length;
  }
  followFailures(next, match, used);
  return { next: next.subarray(0, used * 256), depth: depth.subarray(0, used), match: match.subarray(0, used) };
};

/** Breadth first: where a state has no edge of its own, it goes where its longest proper suffix would. */
const followFailures = (next: Int32Array, match: Int32Array, states: number): void => {
  const failure = new Int32Array(states);
  const order: number[] = [];
  for (let byte = 0; byte < 256; byte++) {
    const child = next[byte] ?? 0;
    if (child !== 0) order.push(child);
  }
  for (let i = 0; i < order.length; i++) {
    const state = order[i] ?? 0;
    const fallback = failure[state] ?? 0;
    match[state] = Math.max(match[state] ?? 0, match[fallback] ?? 0);
    for (let byte = 0; byte < 256; byte++) {
      const at = state * 256 + byte;
      const child = next[at] ?? 0;
      const elsewhere = next[fallback * 256 + byte] ?? 0;
      if (child === 0) next[at] = elsewhere;
      else {
        failure[child] = elsewhere;
        order.push(child);
      }
    }
  }
};
