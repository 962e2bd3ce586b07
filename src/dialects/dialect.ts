import type { Plan } from '../plan/plan.ts';
import type { Problem, Range } from '../plan/problem.ts';

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
  compile(files: readonly ConfigFile[], given?: Given): Compiled;
};

/** What a dialect may want to know of the run that the plan is for; the same answer gives the same plan. */
export type Given = {
  /** Absent where a plan is only looked at. */
  readonly run?: {
    readonly id: string;
    readonly number: number;
    readonly startedBy: string;
    readonly startedAt: number;
    /** What whoever asked for it calls it; can be a file's name. */
    readonly build?: string;
  };
  readonly project: string;
  /** Addresses of the pages of the run and of its project, where a server has them (R-WRK-133, R-WRK-150). */
  readonly pages?: { readonly run: string; readonly project: string };
  readonly source?: GivenSource;
  /** Names of the variables that are there outside. */
  readonly variables: readonly string[];
  /** The values of those that are public by their name, `X_…`; of no other. */
  readonly publicValues?: ReadonlyMap<string, string>;
  /** What the person asked for: a pipeline of a text that has several, and a target of it. */
  readonly pipeline?: string;
  readonly target?: string;
  /** What the run built that this one deploys: the image that it committed. */
  readonly lastBuild?: { readonly image: string };
  /** Step code that was fetched, by the reference that was wanted. */
  readonly steps: ReadonlyMap<string, FetchedStep>;
};

export type GivenSource = {
  readonly commit?: string;
  readonly branch?: string;
  readonly tag?: string;
  /** Of the remote that it is fetched from: `github.com`, `owner`, `repository`. */
  readonly domain?: string;
  readonly owner?: string;
  readonly repository?: string;
};

export type FetchedStep = {
  readonly owner: string;
  readonly name: string;
  /** What the reference came to; absent for a step of a local directory. */
  readonly version?: string;
  /** SHA-256 of the tar of its files, under which the volume is filled. */
  readonly tree: string;
  /** Its step.yml, else wercker-step.yml. */
  readonly manifest?: ConfigFile;
  /** Names of the files in its root. */
  readonly files: readonly string[];
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
      /** References to steps whose code is not among what is given, each with the place in the text that names it. */
      readonly wantsSteps?: readonly { readonly reference: string; readonly range: Range }[];
    };
