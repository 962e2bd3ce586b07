/**
 * When runs of a project begin by the clock. Whoever fires one moves it on, and only one who knew how it stood can. Calls overlap freely. Rejects with
 * StoreError alone.
 */
export type ScheduleStore = {
  add(schedule: Schedule): Promise<void>;
  /** In the order in which they were added. */
  list(project: string): Promise<readonly Schedule[]>;
  /** Whose `tryAt` is not after `until`, the earliest first; of those that are paused none. `watches`: those that ask about a package; `times`: the others. */
  due(what: 'times' | 'watches', until: number, limit: number): Promise<readonly Schedule[]>;
  /** `false`: it is not as it was any more, or gone; nothing was changed. */
  move(was: Schedule, to: ScheduleProgress): Promise<boolean>;
  /** `false`: it was moved on, paused or removed since. */
  stands(was: Schedule): Promise<boolean>;
  /** `false`: there is none, or it is paused already and stays as it is. */
  pause(project: string, id: string, paused: NonNullable<Schedule['paused']>): Promise<boolean>;
  /** It goes on at `dueAt`, as if no version had been seen before. `false`: there is none that is paused. */
  resume(project: string, id: string, dueAt: number): Promise<boolean>;
  /** Without an id: all of the project. Answers whether there was one. */
  remove(project: string, id?: string): Promise<boolean>;
};

/** Times are epoch ms. */
export type Schedule = ScheduleProgress & {
  readonly id: string;
  readonly project: string;
  /** Five fields, or a word as `@daily`. */
  readonly cron: string;
  /** Of IANA: `Europe/Paris`. */
  readonly timeZone: string;
  readonly wants: WantedTarget;
  /** Then a run begins only when its version has changed. */
  readonly watch?: PackageWatch;
  /** Who added it, for people. */
  readonly by: string;
  readonly createdAt: number;
  /** Since when it begins nothing, and who said so. */
  readonly paused?: { readonly at: number; readonly by: string };
};

/** What is to be run; see RunRequest. */
export type WantedTarget = { readonly ref?: string; readonly pipeline?: string; readonly target?: string };

export type PackageWatch = {
  readonly package: string;
  readonly registry: string;
  /** Which of its dist-tags is looked at. */
  readonly tag: string;
  /** Sealed, as `project/<name>/schedule/<id>`. */
  readonly token?: string;
};

export type ScheduleProgress = {
  /** The time that the next run is for. */
  readonly dueAt: number;
  /** When that is tried: later than `dueAt` after something went wrong. */
  readonly tryAt: number;
  /** Of a watch: what was seen last. */
  readonly version?: string;
  /** What came of it the last time, for people. */
  readonly note?: { readonly at: number; readonly text: string };
};
