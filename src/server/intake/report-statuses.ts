import type { Clock } from '../../lib/clock.ts';
import { openApproval } from '../../run/open-approval.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Project, ProjectStore } from '../../store/projects.ts';
import type { RunRow, RunStore } from '../../store/run-store.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { CommitStatus, ForgeApi } from '../forges/forge-api.ts';
import { ForgeError } from '../forges/forge-error.ts';

export type StatusDeps = {
  readonly dispatcher: Pick<Dispatcher, 'watch' | 'state'>;
  readonly runs: Pick<RunStore, 'list'>;
  readonly projects: Pick<ProjectStore, 'get'>;
  /** In whose name the project was connected; `undefined`: they are not logged in any more. */
  readonly apiOf: (project: Project) => Promise<ForgeApi | undefined>;
  /** Of the page of a run. */
  readonly pageOf: (run: Pick<RunRow, 'project' | 'number' | 'run'>) => string;
  readonly clock: Clock;
  readonly warn: (text: string) => void;
};

const atOnce = 8;
const firstPauseMs = 1000;
const longestPauseMs = 5 * 60_000;
const mostTries = 12;
/** Runs that ended before a server did are told again: it may not have come to it. */
const toldAgainMs = 10 * 60_000;
const mostToldAgain = 200;

/**
 * Tells forges how the runs of their commits stand: what waits for approval, at the beginning, and how they ended. It goes beside the runs, which do not wait for it: what does
 * not get through is tried again with growing pauses, only the newest of a run, and is given up after an hour.
 */
export const reportStatuses = (deps: StatusDeps, signal: AbortSignal): void => {
  const { dispatcher, runs, clock, warn } = deps;
  /** Runs that have something new to tell, and those that somebody is at. */
  const changed = new Set<string>();
  const telling = new Set<string>();
  const pauses = new Set<() => void>();
  const places = placesOf(atOnce);

  const pause = (ms: number): Promise<void> => {
    const over = Promise.withResolvers<void>();
    const end = (): void => {
      cancel();
      over.resolve();
    };
    const cancel = clock.after(ms, end);
    pauses.add(end);
    return over.promise.finally(() => pauses.delete(end));
  };

  const tell = async (run: string): Promise<void> => {
    telling.add(run);
    for (let tries = 1; changed.delete(run) && !signal.aborted; ) {
      const told = await places(() => tellOnce(deps, run));
      if (told === 'done') tries = 1;
      else if (tries >= mostTries) warn(`The status of run ${run} was given up after ${tries} tries.`);
      else {
        changed.add(run);
        const grown = firstPauseMs * 2 ** (tries - 1);
        tries++;
        await pause(Math.min(longestPauseMs, Math.max(grown, told.againAfterMs)));
      }
    }
    telling.delete(run);
  };

  const note = (run: string): void => {
    changed.add(run);
    if (!telling.has(run)) void tell(run);
  };

  const stop = dispatcher.watch(undefined, (events, { run }) => {
    if (events.some(isTold)) note(run);
  });
  signal.addEventListener(
    'abort',
    () => {
      stop();
      for (const end of pauses) end();
    },
    { once: true },
  );

  const catchUp = async (): Promise<void> => {
    const [open, ended] = await Promise.all([
      runs.list({ finished: false, limit: mostToldAgain }),
      runs.list({ finishedAfter: clock.now() - toldAgainMs, limit: mostToldAgain }),
    ]);
    for (const { run } of [...open, ...ended]) note(run);
  };
  catchUp().catch(() => warn('Statuses of runs that ended before are not told again: the store cannot be read.'));
};

const isTold = ({ kind }: RunEvent): boolean => told.has(kind);
const told: ReadonlySet<RunEvent['kind']> = new Set(['approval.asked', 'approval.decided', 'run.planned', 'run.rerun', 'run.finished']);

/** At most so many at a time, in the order in which they came. */
const placesOf = (count: number) => {
  const waiting: (() => void)[] = [];
  let free = count;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free--;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
};

const tellOnce = async (deps: StatusDeps, run: string): Promise<'done' | { readonly againAfterMs: number }> => {
  try {
    await setStatus(deps, run);
    return 'done';
  } catch (error) {
    if (!(error instanceof ForgeError)) return { againAfterMs: 0 };
    if (error.code !== 'FORGE_REFUSED' && error.code !== 'FORGE_NOT_FOUND') return { againAfterMs: error.retryAfterMs ?? 0 };
    deps.warn(`The status of run ${run} is not told: ${error.message}`);
    return 'done';
  }
};

/** Its pipeline, of which the status has its name, is known once it is planned, or has ended without. Its approval has a status of its own. */
const setStatus = async ({ dispatcher, runs, projects, apiOf, pageOf }: StatusDeps, run: string): Promise<void> => {
  const [row] = await runs.list({ run, limit: 1 });
  if (row?.commit === undefined) return;
  const isOfFork = row.trigger.kind === 'pull-request' && row.trigger.fork;
  const state = isOfFork ? await dispatcher.state(run) : undefined;
  const url = pageOf(row);
  const isApproved = state?.approval === undefined || state.approval.decision?.kind === 'approved';
  const isKnown = isApproved && (row.digest !== undefined || row.phase === 'finished');
  const statuses = [...(state === undefined ? [] : approvalStatus(state, url)), ...(isKnown ? [statusOf(row, url)] : [])];
  const project = statuses.length === 0 ? undefined : await projects.get(row.project);
  if (project?.forge === undefined || project.forge.goneAt !== undefined) return;
  const api = await apiOf(project);
  for (const status of statuses) await api?.setStatus(project.forge.repository, row.commit, status);
};

const approvalStatus = (state: RunState, url: string): readonly CommitStatus[] => {
  const { number, approval } = state;
  if (approval === undefined) return [];
  const about = { context: 'cion-approval', url };
  if (openApproval(state) !== undefined) return [{ ...about, state: 'pending', description: `Run ${number} is waiting for approval` }];
  const words = { approved: 'was approved', rejected: 'was rejected', expired: 'was not approved in time', ended: 'was cancelled' };
  const decided = approval.decision?.kind ?? 'ended';
  return [{ ...about, state: decided === 'approved' ? 'passed' : 'cancelled', description: `Run ${number} ${words[decided]}` }];
};

/** From how the run ended alone: nothing of what is in it is told. */
const statusOf = ({ number, pipeline, phase, outcome }: RunRow, url: string): CommitStatus => {
  const state = phase === 'finished' && outcome !== undefined && outcome !== 'skipped' ? outcome : 'pending';
  return { state, context: `cion/${pipeline}`.slice(0, 100), description: `Run ${number} ${sentences[state]}`, url };
};

const sentences: Readonly<Record<CommitStatus['state'], string>> = {
  pending: 'has begun',
  passed: 'passed',
  failed: 'failed',
  errored: 'could not be carried out',
  cancelled: 'was cancelled',
};
