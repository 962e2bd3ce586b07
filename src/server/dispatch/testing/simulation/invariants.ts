import assert from 'node:assert/strict';
import { readiness } from '../../../../engine/needs.ts';
import { type Folding, folding } from '../../../../run/fold.ts';
import type { RunEvent } from '../../../../run/run-event.ts';
import type { RunState } from '../../../../run/run-state.ts';
import { itemKeyOf } from '../../item-id.ts';
import { newestAttempt } from '../../stage-attempt.ts';

/** What must never be; each breach is told with a sentence. */
export type Invariants = {
  committed(run: string, events: readonly RunEvent[]): void;
  began(item: string): void;
  ended(item: string): void;
  /** A worker was told that a note of its is kept. */
  acknowledged(note: string): void;
  /** What a listener of the dispatcher was told. */
  told(events: readonly RunEvent[], state: RunState, isThorough: boolean): void;
  /** After each thing that happened. */
  check(): void;
  /** What its stored events amount to. */
  state(run: string): RunState | undefined;
  /** Whether so many runs have ended, and nothing runs. */
  areOver(runs: number): boolean;
  readonly running: ReadonlySet<string>;
  /** Of each kind of event. */
  readonly counts: Readonly<Record<string, number>>;
};

export const makeInvariants = (broken: (error: unknown) => void, tell: (line: string) => void): Invariants => {
  const runs = new Map<string, Folding>();
  const letGo = new Set<string>();
  const running = new Set<string>();
  const notes = new Set<string>();
  const counts: Record<string, number> = {};

  const guarded =
    <T extends readonly unknown[]>(work: (...given: T) => void) =>
    (...given: T): void => {
      try {
        work(...given);
      } catch (error) {
        broken(error);
      }
    };

  const state = (run: string): RunState | undefined => runs.get(run)?.state();

  const checkBegin = (item: string): void => {
    const key = itemKeyOf(item);
    assert.ok(key, `${item} is an item`);
    assert.ok(!letGo.has(item), `${item} was let go twice`);
    for (const other of running) {
      const { run, stage } = itemKeyOf(other) ?? {};
      assert.ok(run !== key.run || stage !== key.stage, `${item} began while ${other} still ran`);
    }
    const known = state(key.run);
    const node = (known?.plan ?? known?.printing)?.nodes.find(({ name }) => name === key.stage);
    assert.ok(known && node?.kind === 'stage', `${item} is in a plan`);
    const attempt = newestAttempt(known, key.stage);
    assert.ok(attempt?.attempt === key.attempt && attempt.startedAt !== undefined, `${item} was let go before that was durable`);
    const mayFail = (name: string): boolean =>
      known.plan?.nodes.some((other) => other.name === name && other.kind === 'stage' && other.mayFail) === true;
    assert.equal(readiness(node, (name) => known.nodes.get(name), mayFail).kind, 'ready', `${item} ran before its needs`);
    const environment = node.deploys?.environment;
    if (environment === undefined) return;
    for (const other of running) assert.ok(environmentOf(other) !== environment, `${item} deployed while ${other} did`);
  };
  const checkEnd = (before: RunState | undefined, event: RunEvent): void => {
    if (event.kind !== 'stage.finished' || before === undefined) return;
    const isLost = newestAttempt(before, event.stage)?.lostSince !== undefined;
    const isGivenUp = event.cause?.kind === 'error' && event.cause.code === 'WORKER_LOST';
    assert.equal(isLost, isGivenUp, `${event.stage} of ${before.run} is given up when its worker is lost, and only then`);
  };
  const environmentOf = (item: string): string | undefined => {
    const key = itemKeyOf(item);
    const node = key && state(key.run)?.plan?.nodes.find(({ name }) => name === key.stage);
    return node?.kind === 'stage' ? node.deploys?.environment : undefined;
  };

  return {
    running,
    counts,
    state,
    areOver: (count) => runs.size === count && running.size === 0 && [...runs.keys()].every((run) => state(run)?.phase === 'finished'),
    committed: guarded((run, events) => {
      const folded = runs.get(run) ?? folding();
      runs.set(run, folded);
      for (const event of events) {
        tell(`${run} ${JSON.stringify(event)}`);
        assert.equal(event.seq, (folded.state()?.lastSeq ?? 0) + 1, `the events of ${run} are numbered without holes`);
        checkEnd(folded.state(), event);
        folded.add(event);
        counts[event.kind] = (counts[event.kind] ?? 0) + 1;
        if (event.kind !== 'stage.noted') continue;
        assert.ok(!notes.has(event.text), `${event.text} was taken twice`);
        notes.add(event.text);
      }
    }),
    acknowledged: guarded((note) => assert.ok(notes.has(note), `${note} was acknowledged and not kept`)),
    began: guarded((item) => {
      checkBegin(item);
      letGo.add(item);
      running.add(item);
    }),
    ended: (item) => void running.delete(item),
    told: guarded((events, told, isThorough) => {
      assert.equal(told.lastSeq, events.at(-1)?.seq, `a listener of ${told.run} is told the state of its events`);
      if (isThorough) assert.deepEqual(told, state(told.run), `the state of ${told.run} is what its stored events amount to`);
    }),
    check: guarded(() => {
      for (const item of running) {
        const key = itemKeyOf(item);
        const known = key && state(key.run);
        const attempt = known && newestAttempt(known, key.stage);
        assert.ok(attempt?.attempt === key?.attempt && attempt?.phase !== 'finished', `${item} still runs although it was given up`);
      }
    }),
  };
};
