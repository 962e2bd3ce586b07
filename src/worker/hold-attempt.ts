import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkerBytes } from '../api/worker-bytes.ts';
import type { Cancel, Claimed, WorkerFact } from '../api/worker-protocol.ts';
import { runAttempt } from '../engine/attempt.ts';
import type { AttemptDeps } from '../engine/attempt-deps.ts';
import { endingOfError } from '../engine/cause.ts';
import { JournalError } from '../engine/journal-error.ts';
import { resolveValues } from '../engine/values.ts';
import type { Clock } from '../lib/clock.ts';
import type { RunFact } from '../run/run-event.ts';
import type { RegistryLogins } from '../runtimes/registry-logins.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import { boundBytes } from './bound-bytes.ts';
import type { Budget } from './budget.ts';
import type { EngineVolumes } from './engine-volumes.ts';
import type { Ledger } from './ledger.ts';
import { textOf } from './meaning.ts';
import { givenOutputs, outsideOf } from './outside.ts';
import type { Patience } from './patience.ts';
import type { Reporter } from './reporter.ts';
import { spooledResults } from './spooled-results.ts';
import { itemVolumes } from './volumes.ts';

export type HoldDeps = {
  readonly bytes: WorkerBytes;
  readonly runtime: Runtime;
  /** What the runtime logs in with where the server's own registry asks. */
  readonly logins: Pick<RegistryLogins, 'hold' | 'withhold'>;
  readonly clock: Clock;
  readonly patience: Patience;
  readonly reporter: Reporter;
  readonly volumes: EngineVolumes;
  readonly ledger: Ledger;
  readonly budget: Budget;
  readonly spools: string;
  readonly log: (line: string) => void;
  /** Aborts when the process is about to end and leaves all as it is. */
  readonly leave: AbortSignal;
};

/** One attempt that the worker was given. */
export type Held = {
  readonly claimed: Claimed;
  /** Resolves when the worker has nothing to do with it any more, except to sweep. */
  readonly over: Promise<void>;
  /** Resolves when nothing of it is left on the engine; or when it was left as it is. */
  readonly swept: Promise<void>;
  /** Gives it back if it is certain that it was not let go. */
  giveBack(): void;
  /** Stops having to do with it; it runs on. */
  leave(): void;
  /** Ends it by force; its token is worth nothing any more. */
  drop(): void;
};

/** Why it is no longer ours. `left`: its containers stay. */
type Parting = 'lost' | 'returned' | 'left';

/**
 * Runs an attempt with the engine's own `runAttempt`, and tells of it through the reporter. When the attempt is no longer ours, everything that is under way
 * for it rejects with a JournalError, after which the engine leaves things alone; what becomes of the containers is decided here.
 */
export const holdAttempt = (
  deps: HoldDeps,
  claimed: Claimed,
  how: {
    /** The process before may have made things for it. */
    readonly takesOver: boolean;
    /** Waited for before anything is done. */
    readonly after: Promise<unknown>;
    /** Its containers are about to be ended because nothing was heard of the server. */
    cutOff(): void;
    /** Its engine is gone: whether the attempt is left as it is, until the worker begins anew with its engine. */
    engineAway(why: string): boolean;
  },
): Held => {
  const { runtime, clock, patience, ledger, volumes, log } = deps;
  const { work, lease } = claimed;
  const { item } = lease;
  const directory = join(deps.spools, spoolName(item));
  const [gone, stop, force] = [new AbortController(), new AbortController(), new AbortController()];
  setMaxListeners(0, gone.signal, stop.signal, force.signal);
  let parting: Parting | undefined;

  const part = (why: Parting, text: string): void => {
    if (parting !== undefined) return;
    parting = why;
    const error = new JournalError(work.run, new Error(text));
    gone.abort(error);
    reported.silence(error);
    if (why !== 'returned') reported.close();
  };
  const cancel = (wish: Cancel): void => {
    if (wish !== 'no') stop.abort();
    if (wish === 'force') force.abort();
  };

  const lost = (): void => {
    if (parting === undefined) log(`${item} is no longer ours: its containers are ended`);
    part('lost', 'the server gave it up');
  };
  const reported = deps.reporter.add(lease, {
    cancel,
    lost,
    cutOff: () => {
      log(`nothing was heard of the server for too long: the containers of ${item} are ended`);
      part('lost', 'nothing was heard of the server');
      how.cutOff();
    },
  });

  const recorded = claimed.started && ledger.attempts().find((attempt) => attempt.item === item)?.volumes;
  const bytes = boundBytes(deps.bytes(lease), gone.signal, lost);
  const own = itemVolumes({
    runtime,
    volumes,
    claimed,
    bytes,
    patience,
    gone: gone.signal,
    recorded,
    engineAway: (error) => {
      if (parting === undefined && how.engineAway(error.message)) part('left', error.message);
    },
    record: (names) => ledger.begin(item, work, names),
  });
  const outputs = givenOutputs(claimed, (stage) => patience.until(() => bytes.outputs.read(stage), gone.signal));
  const outside = outsideOf(claimed);
  const results = spooledResults({
    results: bytes.results,
    directory,
    budget: deps.budget,
    patience,
    gone: gone.signal,
    ready: outputs.ready,
  });
  const report = (facts: readonly RunFact[]): Promise<void> => {
    gone.signal.throwIfAborted();
    return reported.report(facts.filter(isOfWorker));
  };
  const attemptDeps: AttemptDeps = {
    runtime: own.runtime,
    results,
    clock,
    sink: { event: () => {}, log: () => {}, note: () => {} },
    caches: bytes.caches,
    number: claimed.number,
    report: async (facts) => report(facts),
    withImages: async (complete) => complete,
    fill: own.fill,
    values: ({ stage }) => resolveValues(stage, outside, outputs.read),
    isAsked: () => claimed.isAsked,
    isMounted: () => claimed.isMounted,
    secrets: () => [...claimed.redact, ...outputs.secrets()],
    keepOutput: (_stage, stdout) => patience.until(() => bytes.outputs.keep(stdout), gone.signal),
    deliver: (work) => patience.until(work, gone.signal),
    handOver: async (complete, tree) => {
      const facts = await own.handOver(complete, tree);
      if (facts.length > 0) await report(facts);
    },
  };

  const sweep = (): Promise<void> =>
    sweptPatiently(deps, { kind: 'attempt', run: work.run, stage: work.stage.name, attempt: work.attempt }, item);

  /** When the server does not take how it ended, that is how it ended. */
  const endedOtherwise = (error: unknown): Promise<void> => {
    if (parting !== undefined) throw error;
    const { name: stage } = work.stage;
    return report([{ kind: 'stage.finished', stage, attempt: work.attempt, ...endingOfError(error) }]);
  };

  const run = async (): Promise<void> => {
    try {
      await how.after;
      if (how.takesOver && claimed.started === undefined) await sweep();
      await runAttempt(attemptDeps, work, { stop: stop.signal, force: force.signal }, claimed.started).catch(endedOtherwise);
      reported.close();
    } catch (error) {
      if (parting === undefined) log(`${item} is given up: ${textOf(error)}`);
      part('lost', textOf(error));
    }
  };

  const cleanUp = async (): Promise<void> => {
    if (parting === 'left') return;
    await sweep();
    own.release();
    await rm(directory, { recursive: true, force: true });
    await ledger.end(item).catch((error: unknown) => log(textOf(error)));
    if (parting === 'returned') await reported.giveBack();
  };

  cancel(claimed.cancel);
  const lent = [
    ...(claimed.registry === undefined ? [] : [deps.logins.hold(work.run, claimed.registry)]),
    ...(claimed.withoutLogins ? [deps.logins.withhold(work.run)] : []),
  ];
  const ran = run().finally(() => {
    for (const giveBack of lent) giveBack();
  });
  const swept = ran.then(cleanUp).catch((error: unknown) => {
    if (!deps.leave.aborted) log(`${item} is not cleaned up: ${textOf(error)}`);
  });
  return {
    claimed,
    over: ran.then(() => (parting === undefined ? undefined : swept)),
    swept,
    giveBack: () => {
      if (claimed.started === undefined && !reported.saidStarted()) part('returned', 'it is given back');
    },
    leave: () => part('left', 'the worker ends'),
    drop: () => part('lost', 'it was given anew'),
  };
};

/** The name of the directory of an item's logs that wait for the server. */
export const spoolName = (item: string): string => createHash('sha256').update(item).digest('hex').slice(0, 32);

/** Sweeps until it has succeeded, or the process leaves. */
export const sweptPatiently = async (
  { runtime, patience, leave, log }: Pick<HoldDeps, 'runtime' | 'patience' | 'leave' | 'log'>,
  scope: Parameters<Runtime['sweep']>[0],
  what: string,
): Promise<void> => {
  for (let failures = 1; ; failures++) {
    try {
      await runtime.sweep(scope, leave);
      return;
    } catch (error) {
      leave.throwIfAborted();
      if (failures === 1) log(`what ${what} left on the engine cannot be removed yet: ${textOf(error)}`);
      await patience.pause(failures, leave);
    }
  }
};

const kinds: ReadonlySet<RunFact['kind']> = new Set<WorkerFact['kind']>([
  'stage.preparing',
  'image.resolved',
  'stage.started',
  'stage.done-started',
  'step.started',
  'step.finished',
  'stage.noted',
  'volume.kept',
  'stage.finished',
]);

const isOfWorker = (fact: RunFact): fact is WorkerFact => kinds.has(fact.kind);
