import type { LogWriter } from '../results/results.ts';
import type { OutputRef } from '../run/run-event.ts';
import type { Execution, Item, LogChunk } from '../runtimes/runtime.ts';
import { doneName } from '../plan/stage.ts';
import { type AttemptControl, type AttemptDeps, keyOf } from './attempt-deps.ts';
import { type Followed, follow } from './follow.ts';
import { outputKeeper } from './output-keeper.ts';
import { redactorsFor } from './redact/redactor.ts';

/** Stays with a running item to its end and keeps its log, without secrets; and its output, when another stage asks for that. */
export const keepUp = async (
  deps: AttemptDeps,
  item: Item,
  control: AttemptControl,
  { log, startedAt }: { readonly log?: LogWriter; readonly startedAt: number },
  execution: Execution,
): Promise<Followed & { readonly output?: OutputRef }> => {
  const { stage, attempt, part } = item;
  const secrets = deps.secrets();
  const mayDiffer = stage.sensitive || secrets.length > 0;
  const output = part === undefined && deps.isAsked(stage.name) ? outputKeeper(mayDiffer) : undefined;
  const from = stage.sensitive || log === undefined ? { stdout: 0, stderr: 0 } : log.position;
  if (output !== undefined && from.stdout > 0) await output.catchUp(deps.results, keyOf(item), from.stdout, control.force);
  const redactor = redactorsFor(secrets);
  const redactors = { stdout: redactor(), stderr: redactor() };
  const speaker = part === undefined ? stage.name : doneName(stage.name);
  const keep = async (chunk: LogChunk): Promise<void> => {
    if (stage.sensitive || log === undefined || chunk.bytes.byteLength === 0) return;
    await log.append({ ...chunk, at: deps.clock.now() });
    await deps.sink.log(speaker, attempt, chunk);
  };
  const followed = await follow(execution, from, startedAt, stage.timeouts, { clock: deps.clock, ...control }, async (chunk) => {
    output?.add(chunk);
    await keep({ stream: chunk.stream, bytes: redactors[chunk.stream].push(chunk.bytes) });
  });
  await keep({ stream: 'stdout', bytes: redactors.stdout.end() });
  await keep({ stream: 'stderr', bytes: redactors.stderr.end() });
  if (output === undefined) return followed;
  if (mayDiffer) deps.keepOutput(stage.name, output.bytes());
  return { ...followed, output: output.reference() };
};
