import type { Clock } from '../../lib/clock.ts';
import { pauses } from '../../lib/pauses.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { Schedule, ScheduleProgress, ScheduleStore } from '../../store/schedules.ts';
import type { BeginRun } from '../runs/begin-run.ts';
import { reasonOf } from '../reason-of.ts';
import { isProjectUnknown } from './is-project-unknown.ts';
import type { LatestVersion } from './latest-version.ts';
import { nextTime } from './next-time.ts';

/**
 * Begins runs by the clock (R-DCK-89). What was missed while nobody was there is made up for by one run, and a run is named for the time that it
 * is for: `schedule/<id>/<due time>`, so that two servers, or one that died in between, make one (R-CIO-32). What is paused begins nothing.
 */
export type Timers = {
  /** Until the signal aborts. What is being asked then is dropped: the next server asks it. */
  start(signal: AbortSignal): Promise<void>;
  /** Schedules were changed. */
  wake(): void;
};

export type TimersDeps = {
  readonly schedules: ScheduleStore;
  readonly beginRun: BeginRun;
  readonly latestVersion: LatestVersion;
  readonly sealer: Pick<Sealer, 'open'>;
  readonly clock: Clock;
  /** Something in the background went wrong and is tried again. */
  failed(error: unknown): void;
};

const atOnce = 16;
const retryMs = 30_000;
/** Clocks of machines jump; nobody sleeps through it. */
const longestSleepMs = 60_000;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Of those that ask about packages, or of the others: what asks outside can take its time, and nothing else waits for it. */
export const timers = (deps: TimersDeps, what: 'times' | 'watches'): Timers => {
  const { schedules, clock, failed } = deps;
  const { wait, wake } = pauses(clock);

  const fireAllDue = async (signal: AbortSignal): Promise<number> => {
    while (!signal.aborted) {
      const due = await schedules.due(what, clock.now(), atOnce);
      if (due.length === 0) break;
      await Promise.all(due.map((schedule) => fire(deps, schedule, signal)));
    }
    const [next] = await schedules.due(what, Number.MAX_SAFE_INTEGER, 1);
    return next === undefined ? longestSleepMs : Math.min(next.tryAt - clock.now(), longestSleepMs);
  };

  return {
    wake,
    start: async (signal) => {
      while (!signal.aborted) {
        const ms = await fireAllDue(signal).catch((error: unknown) => {
          failed(error);
          return retryMs;
        });
        await wait(ms, signal);
      }
    },
  };
};

/** Rejects when the store does. */
const fire = async (deps: TimersDeps, schedule: Schedule, signal: AbortSignal): Promise<void> => {
  const now = deps.clock.now();
  const next = nextOrTomorrow(schedule, now);
  const seen = schedule.version === undefined ? {} : { version: schedule.version };
  const noted = (text: string) => ({ note: { at: now, text } });
  try {
    const came =
      schedule.watch === undefined ? await beginByTime(deps, schedule) : await beginByVersion(deps, schedule, schedule.watch, signal);
    await deps.schedules.move(schedule, { dueAt: next, tryAt: next, ...seen, ...came });
  } catch (error) {
    if (signal.aborted) return;
    const text = `No run could begin: ${reasonOf(error)}.`;
    const late = now - schedule.dueAt;
    const isOver = isProjectUnknown(error) || late > dayMs;
    const tryAt = isOver ? next : now + Math.min(Math.max(late, minuteMs), hourMs);
    await deps.schedules.move(schedule, { dueAt: isOver ? next : schedule.dueAt, tryAt, ...seen, ...noted(text) });
    deps.failed(error);
  }
};

type Came = Pick<ScheduleProgress, 'version' | 'note'>;

const beginByTime = async ({ beginRun, clock }: TimersDeps, { id, project, wants, by, cron, dueAt }: Schedule): Promise<Came> => {
  const { run } = await beginRun({
    project,
    ...wants,
    trigger: { kind: 'schedule', by, schedule: cron, at: dueAt },
    once: `schedule/${id}/${dueAt}`,
  });
  return { note: { at: clock.now(), text: `${run} began.` } };
};

/** One version makes one run, also one that comes again; the one that is seen first makes none (R-DCK-90). */
const beginByVersion = async (
  { schedules, beginRun, latestVersion, sealer, clock }: TimersDeps,
  schedule: Schedule,
  watch: NonNullable<Schedule['watch']>,
  signal: AbortSignal,
): Promise<Came> => {
  const { id, project, wants, version: oldVersion } = schedule;
  const note = (text: string) => ({ note: { at: clock.now(), text } });
  let version: string;
  try {
    version = await latestVersion(
      watch,
      watch.token === undefined ? undefined : sealer.open(watch.token, scheduleContext(project, id)).toString(),
      signal,
    );
  } catch (error) {
    signal.throwIfAborted();
    return note(`The version could not be read: ${reasonOf(error)}.`);
  }
  if (oldVersion === undefined) return { version, ...note(`${watch.package} is ${version}; a run begins when that changes.`) };
  if (version === oldVersion) return { version, ...note(`${watch.package} is still ${version}.`) };
  if (!(await schedules.stands(schedule))) return { version, ...note(`${watch.package} is ${version}; no run began, for it was paused.`) };
  const { kind, run } = await beginRun({
    project,
    ...wants,
    trigger: { kind: 'package', by: new URL(watch.registry).host, package: watch.package, oldVersion, newVersion: version },
    once: `package/${id}/${version}`,
    variables: { CION_PACKAGE_NAME: watch.package, CION_PACKAGE_OLD_VERSION: oldVersion, CION_PACKAGE_NEW_VERSION: version },
  });
  return {
    version,
    ...note(
      kind === 'created'
        ? `${watch.package} is ${version}: ${run} began.`
        : `${watch.package} is ${version} again, for which there was ${run}.`,
    ),
  };
};

/** What a token of a schedule is sealed as. */
export const scheduleContext = (project: string, id: string): string => `project/${project}/schedule/${id}`;

/** A schedule that was good when it was added may not be any more: time zones come and go. */
const nextOrTomorrow = (schedule: Schedule, now: number): number => {
  try {
    return nextTime(schedule, now);
  } catch {
    return now + dayMs;
  }
};
