import { abortable } from '../lib/abortable.ts';

/** Bytes that all logs of a worker may have waiting on its disk together. */
export type Budget = {
  /** Waits until there is room; one that is larger than all of it waits until there is nothing else. First come, first served. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
  /** Of what is there already. */
  count(bytes: number): void;
  give(bytes: number): void;
};

export const makeBudget = (limit: number): Budget => {
  let used = 0;
  let waiting: { readonly bytes: number; readonly go: () => void }[] = [];

  const fits = (bytes: number): boolean => used === 0 || used + bytes <= limit;

  const serve = (): void => {
    for (let first = waiting[0]; first !== undefined && fits(first.bytes); first = waiting[0]) {
      waiting.shift();
      used += first.bytes;
      first.go();
    }
  };

  return {
    take: async (bytes, signal) => {
      if (waiting.length === 0 && fits(bytes)) {
        used += bytes;
        return;
      }
      const turn = Promise.withResolvers<void>();
      const own = { bytes, go: turn.resolve };
      waiting.push(own);
      try {
        await abortable(turn.promise, signal);
      } catch (error) {
        if (waiting.includes(own)) waiting = waiting.filter((each) => each !== own);
        else used -= bytes;
        serve();
        throw error;
      }
    },
    count: (bytes) => {
      used += bytes;
    },
    give: (bytes) => {
      used -= bytes;
      serve();
    },
  };
};
