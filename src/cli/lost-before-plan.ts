import type { Recorder } from '../engine/recorder.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

/** A run whose process died before it had a plan has nothing to go on with: it ends with that reason (R-CIO-19). */
export const lostBeforePlan = async (recorder: Recorder): Promise<ExitCode> => {
  const message = 'The process of the run died before the run had a plan; nothing was run.';
  await recorder.report([
    { kind: 'fetch.failed', outcome: 'errored', message, problems: [] },
    { kind: 'run.finished', outcome: 'errored' },
  ]);
  return exitCodes.errored;
};
