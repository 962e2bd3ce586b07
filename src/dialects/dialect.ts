import type { Plan } from '../plan/plan.ts';
import type { Problem } from '../plan/problem.ts';

/**
 * A Dialect turns a project's text into a Plan. `compile` is pure and total: no I/O, never throws, whatever the bytes are; everything
 * wrong with the text is a Problem with a range.
 */
export type Dialect = {
  readonly name: string;
  /** Which of the tree's files (paths with `/`, relative to its root) it reads; none: the dialect has nothing to do here. */
  wants(paths: readonly string[]): readonly string[];
  compile(files: readonly ConfigFile[]): Compiled;
};

export type ConfigFile = { readonly path: string; readonly bytes: Uint8Array };

/** `warnings` do not keep a plan from running. */
export type Compiled =
  | { readonly ok: true; readonly plan: Plan; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };
