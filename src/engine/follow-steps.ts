import type { Stage, Step } from '../plan/plan.ts';
import type { Cause } from '../run/outcome.ts';
import type { StepState } from '../run/run-state.ts';
import type { Execution, LogPosition, StepMark } from '../runtimes/runtime.ts';
import type { AttemptDeps, Track } from './attempt-deps.ts';
import { causeOfExit, type StepsEnd } from './cause.ts';
import { type TimeLimits, watchLimits } from './time-limits.ts';

/** The steps of one attempt, as its container tells of them. */
export type FollowedSteps = StepsEnd & {
  /** `position`: what the stage has written before; `ended`: why we have ended its command by now. */
  mark(mark: StepMark, position: LogPosition, ended: Cause | undefined): Promise<void>;
  wrote(): void;
  cancel(): void;
  /** Rejects when a step whose time is over cannot be ended. */
  readonly broken: Promise<never>;
};

export type StepsToFollow = {
  readonly stage: Stage;
  readonly attempt: number;
  /** What an earlier process recorded. */
  readonly recorded: readonly StepState[];
  /** What a step says of itself, fit to be kept. */
  readonly told: (text: string) => string;
  /** Told which step is under way. */
  readonly track: Pick<Track, 'step'>;
};

/** Records where each step begins and ends, once, and ends a step whose own time is over: the steps in `after` follow. */
export const followSteps = (
  deps: Pick<AttemptDeps, 'clock' | 'report'>,
  { stage, attempt, recorded, told, track }: StepsToFollow,
  execution: Pick<Execution, 'interrupt'>,
): FollowedSteps => {
  const { command } = stage;
  const main = command.kind === 'steps' ? command.steps : [];
  const all = new Map([...main, ...(command.kind === 'steps' ? command.after : [])].map((step) => [step.id, step]));
  const known = new Map(recorded.map((step) => [step.id, step]));
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  let current: { readonly step: Step; readonly limits: TimeLimits; over?: Cause & { kind: 'timeout' } } | undefined;
  let failure: Cause | undefined;

  const watch = (step: Step, startedAt: number): void => {
    const limits = watchLimits(deps.clock, step.timeouts, startedAt, (cause) => {
      if (current?.step !== step || current.over !== undefined) return;
      current.over = cause;
      execution.interrupt().catch(broken.reject);
    });
    current = { step, limits };
    track.step = step.id;
  };

  const fail = (step: Step, cause: Cause, message: string | undefined): void => {
    if (!main.includes(step)) return;
    failure ??= { ...cause, step: { id: step.id, name: step.name, ...(message === undefined ? {} : { message }) } };
  };

  for (const { id, phase, outcome, startedAt, exitCode = 1, cause, message } of recorded) {
    const step = all.get(id);
    if (step === undefined) continue;
    if (phase === 'running') watch(step, startedAt);
    else if (outcome === 'failed') fail(step, cause ?? causeOfExit(exitCode), message);
  }

  const began = async (step: Step, log: LogPosition): Promise<void> => {
    if (known.has(step.id)) return;
    watch(step, deps.clock.now());
    await deps.report([{ kind: 'step.started', stage: stage.name, attempt, step: step.id, log }]);
  };

  const finished = async (step: Step, mark: StepMark & { mark: 'end' }, ended: Cause | undefined): Promise<void> => {
    if (known.get(step.id)?.phase === 'finished') return;
    const over = current?.over;
    current?.limits.cancel();
    current = undefined;
    delete track.step;
    const { code, image } = mark;
    const isSilent = stage.sensitive;
    const message = isSilent || mark.message === undefined ? undefined : told(mark.message);
    const numbers =
      isSilent || mark.numbers === undefined
        ? undefined
        : Object.fromEntries(Object.entries(mark.numbers).map(([name, number]) => [told(name), told(number)]));
    const passed = code === 0 && over === undefined;
    if (!passed && ended === undefined) fail(step, over ?? causeOfExit(code), message);
    await deps.report([
      {
        kind: 'step.finished',
        stage: stage.name,
        attempt,
        step: step.id,
        outcome: passed ? 'passed' : ended?.kind === 'cancelled' ? 'cancelled' : 'failed',
        exitCode: code,
        ...(over === undefined ? {} : { cause: over }),
        ...(message === undefined ? {} : { message }),
        ...(numbers === undefined ? {} : { numbers }),
        ...(image === undefined ? {} : { image }),
      },
    ]);
  };

  return {
    mark: async (mark, position, ended) => {
      const step = all.get(mark.step);
      if (step === undefined) return;
      if (mark.mark === 'begin') await began(step, { ...position });
      else await finished(step, mark, ended);
    },
    wrote: () => current?.limits.wrote(),
    cancel: () => current?.limits.cancel(),
    failure: () => failure,
    underWay: () => current?.step,
    broken: broken.promise,
  };
};
