import { createHash } from 'node:crypto';
import { allSettled } from '../lib/all-settled.ts';
import type { Clock } from '../lib/clock.ts';
import type { AttemptKey, LogWriter, Results, StageSummary } from '../results/results.ts';
import type { ArtifactRef, OutputRef, RunFact } from '../run/run-event.ts';
import { RuntimeError } from '../runtimes/runtime-error.ts';
import type { Execution, Item, LogChunk, Prepared, Runtime, Values } from '../runtimes/runtime.ts';
import { causeText, type Ending, endingOf, endingOfError } from './cause.ts';
import { follow } from './follow.ts';
import { JournalError } from './journal-error.ts';
import type { Secret } from './redact/forms.ts';
import { redactorsFor } from './redact/redactor.ts';
import type { Sink } from './sink.ts';

export type AttemptDeps = {
  readonly runtime: Runtime;
  readonly results: Results;
  readonly clock: Clock;
  readonly sink: Sink;
  /** Resolves when the facts are durable; rejects with JournalError. */
  report(facts: readonly RunFact[]): Promise<void>;
  /** The volumes the item mounts, filled. */
  fill(item: Item): Promise<void>;
  values(item: Item): Promise<Values>;
  /** Whether another stage asks for this one's stdout. */
  isAsked(stage: string): boolean;
  /** What no log of the run may show. */
  secrets(): readonly Secret[];
  /** The exact stdout of a stage whose log may differ from it: kept in memory alone. */
  keepOutput(stage: string, stdout: Uint8Array): void;
};

export type AttemptControl = { readonly stop: AbortSignal; readonly force: AbortSignal };

/** Set when an earlier process recorded that this attempt started. */
export type Started = { readonly at: number; readonly image?: { readonly reference: string; readonly digest: string } };

/** Runs one attempt of one stage from preparing to its `stage.finished`. Rejects only when `report` does. */
export const runAttempt = async (deps: AttemptDeps, item: Item, control: AttemptControl, started?: Started): Promise<void> => {
  const track: Track = { startedAt: started?.at ?? deps.clock.now(), ...(started?.image === undefined ? {} : { image: started.image }) };
  const ending = await endOf(deps, item, control, started !== undefined, track);
  const kept = await keepEnd(deps, item, control, track, ending);
  const stage = item.stage.name;
  await deps.report([
    {
      kind: 'stage.finished',
      stage,
      attempt: item.attempt,
      outcome: kept.ending.outcome,
      ...(kept.ending.cause === undefined ? {} : { cause: kept.ending.cause }),
      ...(track.output === undefined ? {} : { output: track.output }),
      ...(kept.artifacts === undefined ? {} : { artifacts: kept.artifacts }),
    },
  ]);
};

/** What is learned on the way. */
type Track = {
  startedAt: number;
  image?: { readonly reference: string; readonly digest: string };
  container?: string;
  begun?: LogWriter;
  output?: OutputRef;
};

const endOf = async (deps: AttemptDeps, item: Item, control: AttemptControl, resumed: boolean, track: Track): Promise<Ending> => {
  try {
    const execution = (resumed ? await takeOver(deps, item, control) : undefined) ?? (await begin(deps, item, control, track));
    track.container = execution.container;
    track.begun ??= await deps.results.begin(keyOf(item), track.startedAt);
    return endingOf(await keepUp(deps, item, control, track, track.begun, execution));
  } catch (error) {
    if (error instanceof JournalError) throw error;
    if (control.stop.aborted || control.force.aborted) return { outcome: 'cancelled', cause: { kind: 'cancelled' } };
    return endingOfError(error);
  }
};

/** The execution that an earlier process let go; `undefined` when it certainly did not. */
const takeOver = async (deps: AttemptDeps, item: Item, control: AttemptControl): Promise<Execution | undefined> => {
  const attached = await deps.runtime.attach(item, control.force);
  if (attached.kind === 'gone') {
    throw new RuntimeError(
      'CONTAINER_GONE',
      `the container of "${item.stage.name}" is gone: whether its command ran to the end cannot be known`,
    );
  }
  return attached.kind === 'live' ? attached.execution : undefined;
};

const begin = async (deps: AttemptDeps, item: Item, control: AttemptControl, track: Track): Promise<Execution> => {
  const { name: stage } = item.stage;
  const { attempt } = item;
  refuseUnbuilt(item);
  const announced = deps.report([{ kind: 'stage.preparing', stage, attempt }]);
  const [prepared] = await allSettled([
    deps.runtime.prepare(item, (note) => deps.sink.note(stage, note), control.stop),
    deps.fill(item),
    announced,
  ]);
  const values = await deps.values(item);
  track.startedAt = deps.clock.now();
  track.image = imageOf(prepared);
  const [begun] = await allSettled([
    deps.results.begin(keyOf(item), track.startedAt),
    deps.report([
      { kind: 'image.resolved', stage, attempt, ...prepared.image },
      { kind: 'stage.started', stage, attempt, container: prepared.container },
    ]),
  ]);
  track.begun = begun;
  control.stop.throwIfAborted();
  return deps.runtime.start(item, values, control.force);
};

/** What a plan can say and no dialect says yet. */
const refuseUnbuilt = ({ stage }: Item): void => {
  const word = stage.done !== undefined ? 'done' : stage.commit !== undefined ? 'commit' : undefined;
  if (word !== undefined) throw new RuntimeError('UNSUPPORTED', `"${stage.name}" asks for "${word}", which this version cannot do`);
};

const keepUp = async (deps: AttemptDeps, item: Item, control: AttemptControl, track: Track, log: LogWriter, execution: Execution) => {
  const { stage, attempt } = item;
  const secrets = deps.secrets();
  const mayDiffer = stage.sensitive || secrets.length > 0;
  const output = deps.isAsked(stage.name) ? outputKeeper(mayDiffer) : undefined;
  const from = stage.sensitive ? { stdout: 0, stderr: 0 } : log.position;
  if (output !== undefined && from.stdout > 0) await output.catchUp(deps.results, keyOf(item), from.stdout, control.force);
  const redactor = redactorsFor(secrets);
  const redactors = { stdout: redactor(), stderr: redactor() };
  const keep = async (chunk: LogChunk): Promise<void> => {
    if (stage.sensitive || chunk.bytes.byteLength === 0) return;
    await log.append({ ...chunk, at: deps.clock.now() });
    await deps.sink.log(stage.name, attempt, chunk);
  };
  const followed = await follow(execution, from, track.startedAt, stage.timeouts, { clock: deps.clock, ...control }, async (chunk) => {
    output?.add(chunk);
    await keep({ stream: chunk.stream, bytes: redactors[chunk.stream].push(chunk.bytes) });
  });
  await keep({ stream: 'stdout', bytes: redactors.stdout.end() });
  await keep({ stream: 'stderr', bytes: redactors.stderr.end() });
  if (output !== undefined) {
    track.output = output.reference();
    if (mayDiffer) deps.keepOutput(stage.name, output.bytes());
  }
  return followed;
};

/** Artifacts and document; a failure here errors the attempt, but never hides how its command ended when that was worse. */
const keepEnd = async (
  deps: AttemptDeps,
  item: Item,
  control: AttemptControl,
  track: Track,
  ending: Ending,
): Promise<{ readonly ending: Ending; readonly artifacts?: ArtifactRef }> => {
  const key = keyOf(item);
  let result: { ending: Ending; artifacts?: ArtifactRef } = { ending };
  try {
    await track.begun?.close();
    if (item.stage.artifacts !== undefined && track.container !== undefined && !control.force.aborted) {
      const tar = await deps.runtime.read({ run: item.run, volume: item.stage.artifacts.volume }, control.force);
      const artifacts = tar && (await deps.results.putArtifacts(key, tar));
      if (artifacts !== undefined) result = { ...result, artifacts };
    }
  } catch (error) {
    if (ending.outcome === 'passed') result = { ending: endingOfError(error) };
  }
  try {
    if (track.begun === undefined) await (await deps.results.begin(key, track.startedAt)).close();
    await deps.results.finish(key, summaryOf(deps, item, track, result.ending, result.artifacts !== undefined));
  } catch (error) {
    if (result.ending.outcome === 'passed') result = { ...result, ending: endingOfError(error) };
  }
  return result;
};

const summaryOf = (deps: AttemptDeps, item: Item, track: Track, ending: Ending, hasArtifacts: boolean): StageSummary => ({
  outcome: ending.outcome,
  startedAt: track.startedAt,
  finishedAt: deps.clock.now(),
  hasLog: track.begun !== undefined && !item.stage.sensitive,
  hasArtifacts,
  ...(ending.exitCode === undefined ? {} : { exitCode: ending.exitCode }),
  ...(ending.cause === undefined ? {} : { message: causeText(ending.cause) }),
  ...(track.image === undefined ? {} : { image: track.image }),
  ...(track.container === undefined ? {} : { container: track.container }),
});

const keyOf = (item: Item): AttemptKey => ({ run: item.run, stage: item.stage.name, attempt: item.attempt });

const imageOf = ({ image }: Prepared): { readonly reference: string; readonly digest: string } => ({
  reference: image.reference,
  digest: image.digest,
});

/** The digest of a stage's stdout; its bytes too where the log may differ from them. */
const outputKeeper = (keepBytes: boolean) => {
  const hash = createHash('sha256');
  const kept: Uint8Array[] = [];
  let size = 0;
  const add = (chunk: LogChunk): void => {
    if (chunk.stream !== 'stdout') return;
    hash.update(chunk.bytes);
    size += chunk.bytes.byteLength;
    if (keepBytes) kept.push(chunk.bytes);
  };
  return {
    add,
    /** What an earlier process has stored already. */
    catchUp: async (results: Results, key: AttemptKey, stdoutBytes: number, signal: AbortSignal): Promise<void> => {
      let rest = stdoutBytes;
      for await (const chunk of results.readLog(key, { from: 0, follow: false, signal })) {
        if (chunk.stream !== 'stdout') continue;
        add({ stream: 'stdout', bytes: chunk.bytes.subarray(0, rest) });
        rest -= Math.min(rest, chunk.bytes.byteLength);
      }
    },
    bytes: (): Uint8Array => Buffer.concat(kept),
    reference: (): OutputRef => ({ bytes: size, digest: `sha256:${hash.digest('hex')}` }),
  };
};
