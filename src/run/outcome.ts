/** How something ended. *failed*: the user's command said no. *errored*: we or the platform could not. Never mixed up. */
export type Outcome = 'passed' | 'failed' | 'errored' | 'cancelled' | 'skipped';

/** Where something is. */
export type Phase = 'queued' | 'running' | 'waiting' | 'finished';

/**
 * Why a stage that ran did not pass: data for the fold, a sentence for people in `message`. `part`: it was not its command, but its `done`.
 * `step`: it was that step of its command, and what the step said of itself.
 */
export type Cause = Reason & { readonly part?: 'done'; readonly step?: FailedStep };

export type FailedStep = { readonly id: string; readonly name: string; readonly message?: string };

type Reason =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'oom' }
  | { readonly kind: 'timeout'; readonly limit: 'total' | 'silent'; readonly ms: number }
  /** We or the platform could not; `code` stands in docs/errors.md. */
  | { readonly kind: 'error'; readonly code: string; readonly message: string }
  | { readonly kind: 'cancelled' };

/** Why a node was never run. */
export type SkipCause =
  | { readonly kind: 'need'; readonly node: string; readonly outcome: Outcome }
  | { readonly kind: 'condition'; readonly node: string; readonly outcome: Outcome }
  | { readonly kind: 'cancelled' }
  /** The run stops at the first failure, and this stage had not started. */
  | { readonly kind: 'stopped'; readonly node: string }
  | { readonly kind: 'not-selected' };
