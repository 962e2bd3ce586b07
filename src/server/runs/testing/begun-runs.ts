import type { BeginRun, RunRequest } from '../begin-run.ts';

export type BegunRuns = {
  readonly beginRun: BeginRun;
  /** What runs were made of, in their order. */
  readonly requests: readonly RunRequest[];
  /** Called before a run is made: what it throws is what went wrong. */
  before(hook: (wanted: RunRequest) => void | Promise<void>): void;
  /** Resolves when there are so many. */
  came(count: number): Promise<readonly RunRequest[]>;
};

/** Runs that are begun and never carried, as `BeginRun` promises it. */
export const begunRuns = (): BegunRuns => {
  const requests: RunRequest[] = [];
  const names = new Map<string, string>();
  const waiting = new Set<() => void>();
  let hook: (wanted: RunRequest) => void | Promise<void> = () => undefined;
  return {
    requests,
    before: (given) => {
      hook = given;
    },
    beginRun: async (wanted) => {
      await hook(wanted);
      const key = JSON.stringify([wanted.project, wanted.once ?? requests.length]);
      const known = names.get(key);
      if (known !== undefined) return { kind: 'exists', run: known };
      const run = `run_${requests.push(wanted)}`;
      names.set(key, run);
      for (const look of waiting) look();
      return { kind: 'created', run };
    },
    came: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (requests.length < count) return;
          waiting.delete(look);
          resolve(requests);
        };
        waiting.add(look);
        look();
      }),
  };
};
