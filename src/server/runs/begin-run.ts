import type { Trigger } from '../../run/run-event.ts';

/**
 * Begins a run of a project at a commit. Resolves when the run is durable; it is then fetched, compiled and carried in the background, also by the next
 * server when this one dies. Rejects with PROJECT_UNKNOWN, and
 * with SOURCE_REF_GONE when somebody asked by hand for the newest of a ref that is not there.
 */
export type BeginRun = (wanted: RunRequest) => Promise<{ readonly kind: 'created' | 'exists'; readonly run: string }>;

export type RunRequest = {
  readonly project: string;
  /** A full hash; absent: the newest of `ref`. */
  readonly commit?: string;
  /** `refs/heads/main`; absent: the project's default branch. */
  readonly ref?: string;
  /** Of a wercker.yml. */
  readonly pipeline?: string;
  readonly target?: string;
  /** Only these stages and what they need; absent: all. */
  readonly stages?: readonly string[];
  readonly trigger: Trigger;
  /** Two requests with the same of a project make one run. */
  readonly once?: string;
  /** Further variables for its stages. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Nothing is fetched: what the run with that id deployed to an environment runs again. */
  readonly again?: { readonly run: string; readonly environment: string };
};
