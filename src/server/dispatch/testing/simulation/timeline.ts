/** Virtual time: what is to happen, in its order. Nothing happens by itself. */
export type Timeline = {
  now(): number;
  /** Gives what takes it back. */
  after(ms: number, happen: () => void): () => void;
  /** Lets the next thing happen; `false` when there is none. */
  step(): boolean;
};

export const makeTimeline = (): Timeline => {
  const heap: Entry[] = [];
  let time = 0;
  let order = 0;

  const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
  const push = (entry: Entry): void => {
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = entry;
  };
  const pop = (): Entry | undefined => {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      if (left === undefined) break;
      const [child, down] = right !== undefined && isBefore(right, left) ? [right, 2 * at + 2] : [left, 2 * at + 1];
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
    return first;
  };

  return {
    now: () => time,
    after: (ms, happen) => {
      const entry: Entry = { at: time + Math.max(0, ms), order: order++, happen };
      push(entry);
      return () => {
        entry.happen = undefined;
      };
    },
    step: () => {
      for (let entry = pop(); entry !== undefined; entry = pop()) {
        if (entry.happen === undefined) continue;
        time = entry.at;
        entry.happen();
        return true;
      }
      return false;
    },
  };
};

type Entry = { readonly at: number; readonly order: number; happen: (() => void) | undefined };

/**
 * Something that can die: what it had begun to wait for never comes back to it.
 */
export type Life = {
  readonly isOver: boolean;
  end(): void;
  after(ms: number, happen: () => void): () => void;
  /** What comes after `ms`; never, when it died meanwhile. */
  wait(ms: number): Promise<void>;
};

export const lifeIn = (timeline: Timeline): Life => {
  let isOver = false;
  const after: Life['after'] = (ms, happen) =>
    timeline.after(ms, () => {
      if (!isOver) happen();
    });
  return {
    get isOver() {
      return isOver;
    },
    end: () => {
      isOver = true;
    },
    after,
    wait: (ms) => new Promise((resolve) => void after(ms, resolve)),
  };
};
