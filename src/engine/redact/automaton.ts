/**
 * Aho–Corasick over bytes: finds every occurrence of every pattern in one pass. State 0 is the start; states are numbered by depth. The
 * first ones, where nearly all of a text is read, know their successor of every byte (`table[state * 256 + byte]`); the many others, of
 * which a private key has thousands, only that of the bytes that go on with a pattern.
 */
export type Automaton = {
  /** Of a state below `tabled` it is in `table`; `next` answers for all. */
  readonly table: Int32Array;
  readonly tabled: number;
  next(state: number, byte: number): number;
  /** How many of the last bytes are the beginning of a pattern. */
  readonly depth: Int32Array;
  /** The length of the longest pattern that ends here, 0 for none. */
  readonly match: Int32Array;
};

const mostTabled = 1024;

export const automatonOf = (patterns: readonly Uint8Array[]): Automaton => {
  const trie = trieOf(patterns);
  const { states, child, sibling, byteOf, depth, match } = trie;
  const failure = new Int32Array(states);
  const tabled = Math.min(states, mostTabled);
  const table = new Int32Array(tabled * 256);

  const edge = (state: number, byte: number): number => {
    let candidate = child[state] ?? 0;
    while (candidate !== 0 && byteOf[candidate] !== byte) candidate = sibling[candidate] ?? 0;
    return candidate;
  };
  const next = (from: number, byte: number): number => {
    let state = from;
    while (state >= tabled) {
      const to = edge(state, byte);
      if (to !== 0) return to;
      state = failure[state] ?? 0;
    }
    return table[state * 256 + byte] ?? 0;
  };

  for (let state = 0; state < states; state++) {
    const fallback = failure[state] ?? 0;
    match[state] = Math.max(match[state] ?? 0, match[fallback] ?? 0);
    if (state > 0 && state < tabled) table.copyWithin(state * 256, fallback * 256, (fallback + 1) * 256);
    for (let to = child[state] ?? 0; to !== 0; to = sibling[to] ?? 0) {
      const byte = byteOf[to] ?? 0;
      failure[to] = state === 0 ? 0 : next(fallback, byte);
      if (state < tabled) table[state * 256 + byte] = to;
    }
  }
  return { table, tabled, next, depth, match };
};

type Trie = {
  readonly states: number;
  /** Of a state its first child, and from child to child. */
  readonly child: Int32Array;
  readonly sibling: Int32Array;
  /** The byte that leads to a state. */
  readonly byteOf: Uint8Array;
  readonly depth: Int32Array;
  /** The length of the pattern that ends exactly here. */
  readonly match: Int32Array;
};

/** Numbered by depth: the patterns grow side by side, a byte at a time. */
const trieOf = (patterns: readonly Uint8Array[]): Trie => {
  const size = 1 + patterns.reduce((sum, pattern) => sum + pattern.length, 0);
  const trie = {
    child: new Int32Array(size),
    sibling: new Int32Array(size),
    byteOf: new Uint8Array(size),
    depth: new Int32Array(size),
    match: new Int32Array(size),
  };
  const { child, sibling, byteOf, depth, match } = trie;
  let states = 1;
  let growing = patterns.map((pattern) => ({ pattern, state: 0 }));
  for (let at = 0; growing.length > 0; at++) {
    growing = growing.filter(({ pattern }) => at < pattern.length);
    for (const one of growing) {
      const byte = one.pattern[at] ?? 0;
      let to = child[one.state] ?? 0;
      while (to !== 0 && byteOf[to] !== byte) to = sibling[to] ?? 0;
      if (to === 0) {
        to = states++;
        byteOf[to] = byte;
        depth[to] = at + 1;
        sibling[to] = child[one.state] ?? 0;
        child[one.state] = to;
      }
      one.state = to;
      if (at + 1 === one.pattern.length) match[to] = one.pattern.length;
    }
  }
  return { ...trie, states };
};
