import type { Plan } from '../plan/plan.ts';
import type { Problem } from '../plan/problem.ts';

/**
 * A Dialect turns a project's text into a Plan. `compile` is pure and total: no I/O, never throws, whatever the bytes are; everything
 * wrong with the text is a Problem with a range.
 */
export type Dialect = {
  readonly name: string;
  /** The files it reads, for people: `.cion.yml`. */
  readonly reads: string;
  /** Whether it wants to know all files of the tree, or only what lies in its root. */
  readonly looks: 'root' | 'everywhere';
  /** Which of the tree's files (paths with `/`, relative to its root) it reads; none: the dialect has nothing to do here. */
  wants(paths: readonly string[]): readonly string[];
  compile(files: readonly ConfigFile[]): Compiled;
};

/** What an image printed has the image as its path. */
export type ConfigFile = { readonly path: string; readonly bytes: Uint8Array };

export type Compiled =
  | {
      readonly ok: true;
      readonly plan: Plan;
      /** They do not keep the plan from running. */
      readonly warnings: readonly Problem[];
      /** Names besides those of the plan's nodes, and which nodes each stands for. */
      readonly names?: ReadonlyMap<string, readonly string[]>;
    }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** Images whose stdout is text that is still missing; for who cannot run them the Problems say so. Compile again with it. */
      readonly wantsImages?: readonly string[];
    };
