/** Time as a parameter, so that tests need not sleep. */
export type Clock = {
  /** Epoch milliseconds. */
  now(): number;
  /** Calls back once after `ms`, at once when that is over already, unless the returned function is called first. */
  after(ms: number, callback: () => void): () => void;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, callback) => {
    let timer: NodeJS.Timeout;
    const wait = (rest: number): void => {
      timer = setTimeout(() => (rest > longestTimer ? wait(rest - longestTimer) : callback()), Math.min(rest, longestTimer));
    };
    wait(Math.max(0, ms));
    return () => clearTimeout(timer);
  },
};

/** A longer one would end at once. */
const longestTimer = 2 ** 31 - 1;
