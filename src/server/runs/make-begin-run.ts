import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import type { Recorder } from '../../engine/recorder.ts';
import type { RunEvent, RunFact } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import { refGone } from '../../source/fetch-commit.ts';
import type { Project, ProjectStore } from '../../store/projects.ts';
import type { KeptRequest, RunRequests } from '../../store/run-requests.ts';
import type { Guard } from '../actor.ts';
import { awaitApproval } from '../approvals/await-approval.ts';
import type { ForkPolicy } from '../approvals/fork-policy.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { BeginRun, RunRequest } from './begin-run.ts';
import { patience } from '../patience.ts';
import { checkoutsOf, fetchRun, type FetchRunDeps, waitsText } from './fetch-run.ts';
import { hasRefOf, keysOf, mirrorsOf } from './project-repository.ts';
import type { ReleaseOf } from './release.ts';
import { releaseAgain } from './release-again.ts';
import { requestOf } from './request-of.ts';
import { RunError } from './run-error.ts';
import { turns } from './turns.ts';

export type BeginRunDeps = Omit<FetchRunDeps, 'requests'> & {
  readonly dispatcher: Pick<Dispatcher, 'create' | 'state' | 'watch'> & {
    report(run: string, facts: (state: RunState) => readonly RunFact[]): Promise<RunState>;
  };
  readonly projects: Pick<ProjectStore, 'get'>;
  readonly requests: RunRequests;
  readonly forks: ForkPolicy;
  readonly guard: Pick<Guard, 'note'>;
  /** Absent: no release runs again. */
  readonly releaseOf?: ReleaseOf;
  /** So many projects at a time. */
  readonly fetches: number;
  /** A word to the operator; no values. */
  readonly warn: (line: string) => void;
};

export type RunBeginner = {
  readonly beginRun: BeginRun;
  /** Takes up what a server before left, and what is begun from now on, until the signal aborts; resolves when all that it did has stopped. */
  start(signal: AbortSignal): Promise<void>;
};

/**
 * A request is durable before its run is, and both before they are acknowledged. Until it has its plan, a run is fetched: by this server, or by the next one,
 * from the beginning; but nothing is fetched of one that waits for approval.
 */
export const makeBeginRun = (deps: BeginRunDeps): RunBeginner => {
  const { dispatcher, requests, clock } = deps;
  const takeTurn = turns(deps.fetches);
  const takeAsking = turns(deps.fetches);
  const hasRef = hasRefOf(deps);
  const underWay = new Map<string, Promise<void>>();
  /** Those to be looked at again when they are not under way any more. */
  const changed = new Set<string>();
  /** Those that wait for approval. */
  const waiting = new Map<string, RunRequest>();
  const approval = awaitApproval({ ...deps, policy: deps.forks });
  const early: (() => void)[] = [];
  let stop: AbortSignal | undefined;

  const created = async (kept: KeptRequest, request: RunRequest) => {
    const { project, pipeline, commit, trigger } = request;
    const answer = await dispatcher.create({
      project,
      pipeline: pipeline ?? '',
      ...(commit === undefined ? {} : { commit }),
      trigger,
      once: kept.once,
    });
    if (kept.run === undefined) await requests.begun(project, kept.once, answer.run);
    return answer;
  };

  const follow = (run: string, request: RunRequest): void => {
    if (stop === undefined) {
      early.push(() => follow(run, request));
      return;
    }
    if (stop.aborted) return;
    if (underWay.has(run)) {
      changed.add(run);
      return;
    }
    const signal = stop;
    const work = carried(run, request, signal)
      .catch((error: unknown) => {
        if (signal.aborted) return;
        deps.warn(`run ${run} could not be fetched and is tried again: ${error instanceof Error ? error.message : String(error)}`);
        signal.addEventListener(
          'abort',
          clock.after(againMs, () => follow(run, request)),
          { once: true },
        );
      })
      .finally(() => {
        underWay.delete(run);
        if (changed.delete(run)) follow(run, request);
      });
    underWay.set(run, work);
  };

  /** As often as there is something new to compile it with. What prints has all the time that it takes, and no place among the fetches. */
  const carried = async (run: string, request: RunRequest, stopped: AbortSignal): Promise<void> => {
    for (;;) {
      await printed(run, stopped);
      if (await takeTurn(request.project, () => carry(run, request, stopped))) return;
    }
  };

  /** When nothing prints for the run. */
  const printed = async (run: string, stopped: AbortSignal): Promise<void> => {
    const over = Promise.withResolvers<unknown>();
    const look = (state: RunState | undefined): void => {
      if (state === undefined || !isOpen(state) || state.openNodes === 0) over.resolve(state);
    };
    const unwatch = dispatcher.watch(run, (_events, state) => look(state));
    stopped.addEventListener('abort', over.resolve, { once: true });
    try {
      look(await dispatcher.state(run));
      if (!stopped.aborted) await over.promise;
      stopped.throwIfAborted();
    } finally {
      unwatch();
      stopped.removeEventListener('abort', over.resolve);
    }
  };

  /** Whether that was all. */
  const carry = async (run: string, request: RunRequest, stopped: AbortSignal): Promise<boolean> => {
    stopped.throwIfAborted();
    const state = await dispatcher.state(run);
    if (state !== undefined && isOpen(state)) {
      const project = await deps.projects.get(state.project);
      waiting.set(run, request);
      if (project !== undefined && !(await approval.mayBegin(state, project, request.commit))) return true;
      waiting.delete(run);
      await fetchOpen(state, project, request, stopped);
      const after = await dispatcher.state(run);
      if (after !== undefined && isOpen(after)) return false;
    }
    waiting.delete(run);
    approval.forget(run);
    await requests.fetched(run);
    return true;
  };

  /** A decision, or the end of what waits for one. */
  const heed = (events: readonly RunEvent[], { run }: RunState): void => {
    const request = waiting.get(run);
    if (request !== undefined && events.some(({ kind }) => kind === 'approval.decided' || kind === 'run.finished')) follow(run, request);
  };

  const fetchOpen = async (state: RunState, project: Project | undefined, request: RunRequest, stopped: AbortSignal): Promise<void> => {
    const cancel = new AbortController();
    const heedCancel = ({ cancel: asked }: RunState): void => {
      if (asked !== undefined) cancel.abort(asked.by);
    };
    const unwatch = dispatcher.watch(state.run, (_events, now) => heedCancel(now));
    const recorder: Pick<Recorder, 'report'> = {
      report: async (facts) => {
        stopped.throwIfAborted();
        await dispatcher.report(state.run, (now) => (isOpen(now) ? facts.filter((fact) => !isKnown(fact, now)) : []));
      },
    };
    try {
      heedCancel((await dispatcher.state(state.run)) ?? state);
      if (request.again !== undefined) await release(recorder, state.run, request.again, AbortSignal.any([stopped, cancel.signal]));
      else if (project === undefined) await recorder.report(failed(`The project ${state.project} is not here any more.`));
      else if (state.approval !== undefined && state.approval.commit !== request.commit)
        await recorder.report(failed('It is about another commit than the one that was approved.'));
      else await fetchRun(deps, recorder, { state, request, project }, AbortSignal.any([stopped, cancel.signal]));
    } finally {
      unwatch();
    }
  };

  const release = async (
    recorder: Pick<Recorder, 'report'>,
    run: string,
    again: NonNullable<RunRequest['again']>,
    signal: AbortSignal,
  ): Promise<void> => {
    const waits = (error: Error): Promise<void> => recorder.report([{ kind: 'run.noted', text: waitsText(error) }]);
    try {
      await patience({ clock, signal, waits })(() => releaseAgain(deps, recorder, run, again));
    } catch (error) {
      if (!signal.aborted) throw error;
      await recorder.report([{ kind: 'run.cancel-requested', by: String(signal.reason), force: false }, ...cancelled]);
    }
  };

  const takeUp = async (kept: KeptRequest): Promise<void> => {
    const request = requestOf(kept);
    const { run } = await created(kept, request);
    follow(run, request);
  };

  return {
    beginRun: async (request) => {
      const project = await deps.projects.get(request.project);
      if (project === undefined || project.forge?.goneAt !== undefined)
        throw new RunError('PROJECT_UNKNOWN', `There is no project ${JSON.stringify(request.project)} here.`);
      const ref = typedRef(request);
      if (ref !== undefined && (await takeAsking(project.name, () => hasRef(project.name, ref))) === false)
        throw new RunError('SOURCE_REF_GONE', refGone(project.cloneUrl, ref).message);
      const place = { project: project.name, once: request.once ?? `request/${randomUUID()}` };
      const kept = { ...place, request: JSON.stringify(request), at: clock.now() };
      await requests.put(kept);
      const answer = await created(kept, request);
      const first = await requests.of(answer.run);
      if (first !== undefined) follow(answer.run, requestOf(first));
      return answer;
    },
    start: async (signal) => {
      for (const left of [checkoutsOf(deps.directory), keysOf(deps.directory)])
        await rm(left, { recursive: true, force: true, maxRetries: 5 });
      for (const folder of [checkoutsOf(deps.directory), mirrorsOf(deps.directory)]) await mkdir(folder, { recursive: true, mode: 0o700 });
      stop = signal;
      const unwatch = dispatcher.watch(undefined, heed);
      for (const begin of early.splice(0)) begin();
      for (const kept of await requests.pending()) await takeUp(kept);
      const aborted = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => aborted.resolve(), { once: true });
      if (!signal.aborted) await aborted.promise;
      unwatch();
      approval.clear();
      await Promise.allSettled(underWay.values());
    },
  };
};

/** Where somebody asks for the newest of a ref, a mistake in it makes no run. Who asks again with the same `once` gets the run that there is. */
const typedRef = ({ trigger, commit, ref, once }: RunRequest): string | undefined =>
  trigger.kind === 'manual' && commit === undefined && once === undefined ? ref : undefined;

/** After something of ours failed. */
const againMs = 5000;

/** It has no plan yet, and may get one. */
const isOpen = ({ phase, plan }: RunState): boolean => phase !== 'finished' && plan === undefined;

const isKnown = (fact: RunFact, { cancel }: RunState): boolean => fact.kind === 'run.cancel-requested' && cancel !== undefined;

const cancelled: readonly RunFact[] = [{ kind: 'run.finished', outcome: 'cancelled' }];

const failed = (message: string): readonly RunFact[] => [
  { kind: 'fetch.failed', outcome: 'failed', message, problems: [] },
  { kind: 'run.finished', outcome: 'failed' },
];
