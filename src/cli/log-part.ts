import { didYouMean } from '../lib/did-you-mean.ts';
import type { RunState } from '../run/run-state.ts';
import type { LogPosition, StreamName } from '../runtimes/runtime.ts';
import { stepPlace } from './printers/step-words.ts';
import { Refusal } from './refusal.ts';

/** Of the chunks of a log, one after the other, what belongs to a part of it. */
export type LogPart = { of(stream: StreamName, bytes: Uint8Array): Uint8Array };

/** What a step wrote: from its beginning to that of the next. Two steps of one name are one part only by their ids. */
export const partOfStep = (state: RunState, stage: string | undefined, attempt: number | undefined, wanted: string): LogPart => {
  const node = stage === undefined ? undefined : state.nodes.get(stage);
  if (stage === undefined || node?.kind !== 'stage') {
    throw new Refusal(
      'STEP_NOT_BEGUN',
      `--step ${JSON.stringify(wanted)} needs the stage whose step it is.`,
      `cion logs ${state.number} <stage> --step …`,
    );
  }
  const steps = (attempt === undefined ? node.attempts.at(-1) : node.attempts.find((one) => one.attempt === attempt))?.steps ?? [];
  const names = new Map(steps.map(({ id }) => [id, stepPlace(state.plan, stage, id)?.step.name ?? id]));
  const byName = steps.filter(({ id }) => names.get(id) === wanted);
  const found = steps.find(({ id }) => id === wanted) ?? byName[0];
  if (found === undefined || (found.id !== wanted && byName.length > 1)) {
    const reason = found === undefined ? 'has begun no step' : 'has several steps';
    const others = (found === undefined ? steps : byName).map(({ id }) => id);
    throw new Refusal('STEP_NOT_BEGUN', `"${stage}" ${reason} ${JSON.stringify(wanted)}.`, didYouMean(wanted, others));
  }
  return logPart(found.log, steps[steps.indexOf(found) + 1]?.log);
};

/** The rest, without an end. */
export const logPart = (from: LogPosition, to: LogPosition | undefined): LogPart => {
  const seen = { stdout: 0, stderr: 0 };
  return {
    of: (stream, bytes) => {
      const start = seen[stream];
      seen[stream] += bytes.byteLength;
      return bytes.subarray(Math.max(0, from[stream] - start), to === undefined ? undefined : Math.max(0, to[stream] - start));
    },
  };
};
