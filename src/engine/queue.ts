/**
 * The queue of containers of one process: first in, first out, at most `limit` taken at a time (R-CIO-05). `run` never rejects.
 */
export type Queue<T> = {
  push(item: T): void;
  /** Takes it at once, whatever the limit: it is under way already. */
  enter(item: T): void;
  /** Takes out the waiting items that match and returns them; those already taken stay. */
  withdraw(matches: (item: T) => boolean): readonly T[];
  /** The next items in line, at most `count`. */
  next(count: number): readonly T[];
};

export const makeQueue = <T>(limit: number, run: (item: T) => Promise<void>): Queue<T> => {
  let waiting: T[] = [];
  let head = 0;
  let taken = 0;
  const enter = (item: T): void => {
    taken++;
    void run(item).then(() => {
      taken--;
      take();
    });
  };
  const take = (): void => {
    while (taken < limit && head < waiting.length) {
      const item = waiting[head++];
      if (item === undefined) break;
      enter(item);
    }
    if (head > 1024 && head * 2 > waiting.length) {
      waiting = waiting.slice(head);
      head = 0;
    }
  };
  return {
    enter,
    push: (item) => {
      waiting.push(item);
      take();
    },
    withdraw: (matches) => {
      const line = waiting.slice(head);
      waiting = line.filter((item) => !matches(item));
      head = 0;
      return line.filter(matches);
    },
    next: (count) => waiting.slice(head, head + count),
  };
};
