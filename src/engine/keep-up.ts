import type { LogWriter } from '../results/results.ts';
import type { OutputRef } from '../run/run-event.ts';
import type { StepState } from '../run/run-state.ts';
import type { Execution, Item, LogChunk } from '../runtimes/runtime.ts';
import { doneName } from '../plan/stage.ts';
import { type AttemptControl, type AttemptDeps, keyOf, type Track } from './attempt-deps.ts';
import { type Followed, follow } from './follow.ts';
import { type FollowedSteps, followSteps } from './follow-steps.ts';
import { outputKeeper } from './output-keeper.ts';
import { redactorsFor } from './redact/redactor.ts';

export type Before = {
  readonly log?: LogWriter;
  readonly startedAt: number;
  /** What an earlier process recorded. */
  readonly steps?: readonly StepState[];
  readonly track?: Pick<Track, 'step'>;
};

/**
 * Stays with a running item to its end and keeps its log, without secrets; and its output, when another stage asks for that. Where the log may
 * differ from the output, that is read from its first byte, also by a process that goes on with a log.
 */
export const keepUp = async (
  deps: AttemptDeps,
  item: Item,
  control: AttemptControl,
  { log, startedAt, steps: recorded = [], track = {} }: Before,
  execution: Execution,
): Promise<Followed & { readonly output?: OutputRef; readonly steps: FollowedSteps }> => {
  const { stage, attempt, part } = item;
  const secrets = deps.secrets();
  const mayDiffer = stage.sensitive || secrets.length > 0;
  const output = part === undefined && deps.isAsked(stage.name) ? outputKeeper(mayDiffer) : undefined;
  const known = stage.sensitive || log === undefined ? { stdout: 0, stderr: 0 } : { ...log.position };
  const isReadAgain = output !== undefined && mayDiffer;
  const from = isReadAgain ? { stdout: 0, stderr: 0 } : known;
  const repeated = isReadAgain ? { ...known } : { stdout: 0, stderr: 0 };
  if (output !== undefined && from.stdout > 0) await output.catchUp(deps.results, keyOf(item), from.stdout, control.force);
  const redactor = redactorsFor(secrets);
  const redactors = { stdout: redactor(), stderr: redactor() };
  const speaker = part === undefined ? stage.name : doneName(stage.name);
  const keep = async ({ stream, bytes }: LogChunk): Promise<void> => {
    const chunk = { stream, bytes: bytes.subarray(Math.min(repeated[stream], bytes.byteLength)) };
    repeated[stream] -= bytes.byteLength - chunk.bytes.byteLength;
    if (stage.sensitive || log === undefined || chunk.bytes.byteLength === 0) return;
    await log.append({ ...chunk, at: deps.clock.now() });
    await deps.sink.log(speaker, attempt, chunk);
  };
  const told = (text: string): string => {
    const own = redactor();
    return Buffer.concat([own.push(Buffer.from(text)), own.end()]).toString('utf8');
  };
  const steps = followSteps(deps, { stage, attempt, recorded, told, track }, execution);
  const position = { ...from };
  const followed = await follow(
    execution,
    from,
    startedAt,
    stage.timeouts,
    { clock: deps.clock, ...control },
    {
      chunk: async (chunk) => {
        steps.wrote();
        position[chunk.stream] += chunk.bytes.byteLength;
        output?.add(chunk);
        await keep({ stream: chunk.stream, bytes: redactors[chunk.stream].push(chunk.bytes) });
      },
      mark: (mark, ended) => steps.mark(mark, position, ended),
      broken: steps.broken,
    },
  ).finally(steps.cancel);
  await keep({ stream: 'stdout', bytes: redactors.stdout.end() });
  await keep({ stream: 'stderr', bytes: redactors.stderr.end() });
  if (output === undefined) return { ...followed, steps };
  if (mayDiffer) await deps.keepOutput(stage.name, output.bytes());
  return { ...followed, steps, output: output.reference() };
};
