import type { WantedTarget } from './schedules.ts';

/** After which pipelines runs of a project begin (R-DCK-87). Calls overlap freely. Rejects with StoreError alone. */
export type UpstreamStore = {
  add(upstream: Upstream): Promise<void>;
  /** Those of a project, or those that follow one; in the order in which they were added. */
  list(of: { readonly project: string } | { readonly after: string }): Promise<readonly Upstream[]>;
  /** The last thing that people should know of it. One that is gone is no error. */
  note(id: string, note: NonNullable<Upstream['note']>): Promise<void>;
  /** Without an id: all of the project, and those that follow it. Answers whether there was one. */
  remove(project: string, id?: string): Promise<boolean>;
};

export type Upstream = {
  readonly id: string;
  readonly project: string;
  readonly after: {
    readonly project: string;
    /** Absent: each. */
    readonly pipeline?: string;
    /** Absent: each. */
    readonly branch?: string;
  };
  readonly wants: WantedTarget;
  /** Who added it, for people. */
  readonly by: string;
  /** Epoch ms; runs that had finished before begin nothing. */
  readonly createdAt: number;
  readonly note?: { readonly at: number; readonly run: string; readonly text: string };
};
