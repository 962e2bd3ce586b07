import { availableParallelism } from 'node:os';
import type { FailurePolicy } from '../engine/decide.ts';
import { type ExecuteDeps, execute } from '../engine/execute.ts';
import type { Outcome } from '../run/outcome.ts';
import type { Context } from './context.ts';
import { describeError } from './describe-error.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { GateOptions } from './gates.ts';
import type { Interrupts } from './interrupts.ts';

export type CarryOutOptions = GateOptions & {
  readonly concurrency?: number;
  readonly failFast?: true;
  readonly keepGoing?: true;
  readonly record?: true;
};

/** Executes a planned run to its end and gives the exit code that says how it ended. */
export const carryOut = async (
  context: Context,
  deps: ExecuteDeps,
  options: CarryOutOptions,
  interrupts: Interrupts,
): Promise<ExitCode> => {
  const { state, leftovers } = await execute(deps, {
    concurrency: options.concurrency ?? Math.max(4, availableParallelism()),
    onFailure: failurePolicy(options),
    recordChanged: options.record === true,
    cancel: interrupts.cancel,
    force: interrupts.force,
  });
  if (leftovers !== undefined) {
    const reason = describeError(leftovers).message;
    context.stderr.write(`cion: not everything of the run could be removed: ${reason}\n      "cion clean" removes it.\n`);
  }
  return exitCodeOf(state.outcome);
};

export const exitCodeOf = (outcome: Outcome | undefined): ExitCode => {
  switch (outcome) {
    case 'passed':
    case 'skipped':
      return exitCodes.passed;
    case 'failed':
      return exitCodes.failed;
    case 'cancelled':
      return exitCodes.cancelled;
    case 'errored':
    case undefined:
      return exitCodes.errored;
  }
};

const failurePolicy = ({ failFast, keepGoing }: CarryOutOptions): FailurePolicy => {
  if (failFast) return 'stop';
  return keepGoing ? 'continue' : 'finish';
};
