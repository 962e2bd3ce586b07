/** Numbers from 0 to 1, deterministic from a seed that a test prints, so that a bad round can be looked at again. */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
};
