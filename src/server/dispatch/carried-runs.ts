import { advance, stateOf } from '../../engine/advance.ts';
import { consequencesOf } from '../../engine/consequences.ts';
import { type Folding, folding } from '../../run/fold.ts';
import type { RunEvent, RunFact } from '../../run/run-event.ts';
import { runOutcome } from '../../run/run-outcome.ts';
import type { RunState } from '../../run/run-state.ts';
import type { RunChange, RunRow } from '../../store/run-store.ts';
import { cacheOwner } from '../housekeeping/cache-owner.ts';
import type { DispatcherDeps } from './dispatcher-deps.ts';
import { DispatchError } from './dispatch-error.ts';
import { type PlanParts, planParts } from './plan-parts.ts';
import { queueChanges } from './queue-changes.ts';
import { rowOf } from './run-row.ts';
import { newestAttempt } from './stage-attempt.ts';

/**
 * The runs that are worked on, folded and kept in memory so that a change costs what it changes and not the run's past. For one run all comes
 * one after the other. A change that the store did not take, or perhaps did, throws the folded state away: the next one reads it anew.
 */
export type CarriedRuns = {
  /** One transaction: the facts, what follows from them, and what both mean for the queue. `propose` is asked again when somebody was faster. */
  change(run: string, propose: (carried: Carried) => Proposal | undefined): Promise<Changed>;
  /** As it is between two changes; what is awaited in it holds up the run. Rejects with RUN_UNKNOWN. */
  read<T>(run: string, use: (carried: Carried) => T | Promise<T>): Promise<T>;
};

export type Carried = {
  readonly row: RunRow;
  /** Good until the next change. */
  state(): RunState;
  /** Of the plan, as soon as there is one; before, of the stages that print it. */
  parts(): PlanParts | undefined;
  readonly openGates: ReadonlySet<string>;
};

export type Proposal = { readonly facts: readonly RunFact[]; readonly guard?: NonNullable<RunChange['guard']> };

/** `fenced`: the guard did not hold, and nothing was changed. */
export type Changed = 'changed' | 'unchanged' | 'fenced';

export type CarryDeps = Pick<DispatcherDeps, 'runs' | 'clock' | 'policyOf' | 'outputOf' | 'images'> & {
  readonly cachedRuns: number;
  /** Whether workers hold something of it: it stays in memory. */
  isHeld(run: string): boolean;
  /** After events are durable, before the run's next change; `guard` of the change that they came with. */
  appended(carried: Carried, events: readonly RunEvent[], guard?: RunChange['guard']): void;
  /** It is not known whether the store took a change: the run is to be looked at soon, and `appended` is told what was taken. */
  unsure(run: string): void;
};

export const carriedRuns = (deps: CarryDeps): CarriedRuns => {
  const cached = new Map<string, Kept>();
  const lines = new Map<string, Promise<void>>();
  /** The last events that were told of runs which have perhaps more. */
  const toldUntil = new Map<string, number>();

  const inLine = <T>(run: string, task: () => Promise<T>): Promise<T> => {
    const mine = (lines.get(run) ?? Promise.resolve()).then(task);
    const over = mine.then(nothing, nothing);
    lines.set(run, over);
    void over.then(() => {
      if (lines.get(run) === over) lines.delete(run);
    });
    return mine;
  };

  const load = async (run: string): Promise<Kept> => {
    const known = cached.get(run);
    cached.delete(run);
    const kept = known ?? (await read(run));
    cached.set(run, kept);
    for (const name of cached.keys()) {
      if (cached.size <= deps.cachedRuns) break;
      if (name !== run && !deps.isHeld(name)) cached.delete(name);
    }
    return kept;
  };

  const read = async (run: string): Promise<Kept> => {
    const [events, [row]] = await Promise.all([deps.runs.events(run, 0), deps.runs.list({ run, limit: 1 })]);
    if (events.length === 0 || row === undefined) throw new DispatchError('RUN_UNKNOWN', `There is no run ${JSON.stringify(run)}.`);
    const folded = folding();
    const openGates = new Set<string>();
    for (const event of events) {
      folded.add(event);
      followGates(openGates, event);
    }
    const kept = keptOf(row, folded, openGates, deps.outputOf);
    const missed = events.slice(toldUntil.get(run) ?? events.length);
    toldUntil.delete(run);
    if (missed.length > 0) deps.appended(kept, missed);
    return kept;
  };

  const tryOnce = async (kept: Kept, { facts, guard }: Proposal): Promise<Changed | 'conflict'> => {
    const { row, folded, openGates } = kept;
    const now = deps.clock.now();
    const after = kept.state().lastSeq;
    const events = advance(folded, relevant(facts, kept.state()), now, (latest, state) => followUp(kept.parts(), latest, state, now));
    if (events.length === 0) return 'unchanged';
    const state = kept.state();
    const policy = events.some(({ kind }) => kind === 'stage.queued') ? await deps.policyOf(row.project) : undefined;
    for (const event of events) followGates(openGates, event);
    const shown = rowOf(state, row, openGates.size > 0);
    const change: RunChange = {
      run: row.run,
      after,
      events,
      row: shown,
      ...queueChanges(
        events,
        state,
        kept.parts(),
        { ...row, pipeline: kept.parts()?.indexed.plan.pipeline ?? shown.pipeline },
        policy,
        deps.images?.place,
      ),
      ...(guard === undefined ? {} : { guard }),
    };
    const answer = await deps.runs.append(change);
    if (answer !== 'appended') return answer;
    kept.row = { ...row, ...shown, lastSeq: state.lastSeq };
    deps.appended(kept, events, guard);
    return 'changed';
  };

  const change = async (run: string, propose: (carried: Carried) => Proposal | undefined): Promise<Changed> => {
    for (;;) {
      const kept = await load(run);
      const proposal = propose(kept);
      if (proposal === undefined) return 'unchanged';
      const { lastSeq } = kept.state();
      const answer = await tryOnce(kept, proposal).catch((error: unknown) => {
        forget(run, lastSeq);
        deps.unsure(run);
        throw error;
      });
      if (answer === 'changed' || answer === 'unchanged') return answer;
      forget(run, lastSeq);
      if (answer === 'fenced') return answer;
    }
  };
  const forget = (run: string, told: number): void => {
    cached.delete(run);
    toldUntil.set(run, told);
  };

  return {
    change: (run, propose) => inLine(run, () => change(run, propose)),
    read: (run, use) => inLine(run, async () => use(await load(run))),
  };
};

type Kept = { row: RunRow; readonly folded: Folding; readonly openGates: Set<string>; state(): RunState; parts(): PlanParts | undefined };

const keptOf = (row: RunRow, folded: Folding, openGates: Set<string>, outputOf: DispatcherDeps['outputOf']): Kept => {
  const state = (): RunState => stateOf(folded);
  let made: PlanParts | undefined;
  const parts = (): PlanParts | undefined => {
    const { plan, printing } = state();
    const now = plan ?? printing;
    if (now === undefined) return undefined;
    if (made?.indexed.plan !== now) made = planParts(now, cacheOwner(row), state, outputOf, plan === undefined);
    return made;
  };
  return { row, folded, openGates, state, parts };
};

const nothing = (): void => {};

/** What is told of a run that has finished comes too late, unless it begins again, which one without a plan cannot. */
const relevant = (facts: readonly RunFact[], state: RunState): readonly RunFact[] => {
  const beginsAgain = facts[0]?.kind === 'run.rerun' && state.plan !== undefined;
  return state.phase === 'finished' && !beginsAgain ? [] : facts;
};

const followUp = (parts: PlanParts | undefined, latest: readonly RunEvent[], state: RunState, now: number): readonly RunFact[] => {
  if (parts === undefined) return endOfUnplanned(state);
  const { facts, stop } = consequencesOf(parts.indexed, latest, state, { onFailure: 'continue', recordChanged: false, now });
  const all = [...facts, ...stop.flatMap((stage) => withdrawn(state, stage))];
  return all.length === 0 && state.plan === undefined ? endOfUnplanned(state) : all;
};

/** A run that cannot be planned, or that was cancelled or not approved before it was; what prints for it has ended first. */
const endOfUnplanned = (state: RunState): readonly RunFact[] => {
  const { outcome } = state.fetch;
  const isFailed = outcome !== undefined && outcome !== 'passed';
  const { kind: decided = 'approved' } = state.approval?.decision ?? {};
  const goesOn = state.cancel === undefined && decided === 'approved' && !isFailed;
  if (state.phase === 'finished' || state.openNodes > 0 || goesOn) return [];
  return [{ kind: 'run.finished', outcome: runOutcome(state) }];
};

/** Nobody has begun it, and whoever claimed it cannot let it go any more. */
const withdrawn = (state: RunState, stage: string): readonly RunFact[] => {
  const attempt = newestAttempt(state, stage);
  if (attempt?.phase !== 'queued') return [];
  return [{ kind: 'stage.finished', stage, attempt: attempt.attempt, outcome: 'cancelled', cause: { kind: 'cancelled' } }];
};

const followGates = (open: Set<string>, event: RunEvent): void => {
  if (event.kind === 'gate.opened') open.add(event.gate);
  if (event.kind === 'gate.decided' || event.kind === 'gate.skipped') open.delete(event.gate);
};
