import { allSettled } from '../lib/all-settled.ts';
import type { Stage } from '../plan/plan.ts';
import { buildVolumesOf } from '../plan/stage.ts';
import type { AttemptState } from '../run/run-state.ts';
import { RuntimeError } from '../runtimes/runtime-error.ts';
import type { Execution, Item, Prepared } from '../runtimes/runtime.ts';
import { commitEnd } from './commit-end.ts';
import { type AttemptControl, type AttemptDeps, type Image, keyOf, type Track } from './attempt-deps.ts';
import { type Ending, endingOf, endingOfError, ofDone } from './cause.ts';
import { JournalError } from './journal-error.ts';
import { keepEnd } from './keep-end.ts';
import { keepUp } from './keep-up.ts';
import { aside, asides } from './say.ts';

/** What an earlier process recorded of this attempt once it had let it go. */
export type Started = Pick<AttemptState, 'image' | 'container' | 'output' | 'done' | 'steps'> & { readonly startedAt: number };

/** Runs one attempt of one stage from preparing to its `stage.finished`. Rejects only when `report` does. */
export const runAttempt = async (deps: AttemptDeps, item: Item, control: AttemptControl, started?: Started): Promise<void> => {
  const track = trackOf(deps, started);
  const ending = await endOf(deps, item, control, track, started);
  await endStep(deps, item, track, ending);
  const kept = await keepEnd(deps, item, control, track, ending);
  await deps.report([
    {
      kind: 'stage.finished',
      stage: item.stage.name,
      attempt: item.attempt,
      outcome: kept.ending.outcome,
      ...(kept.ending.cause === undefined ? {} : { cause: kept.ending.cause }),
      ...(track.output === undefined ? {} : { output: track.output }),
      ...(kept.artifacts === undefined ? {} : { artifacts: kept.artifacts }),
      ...(kept.stepArtifacts === undefined ? {} : { stepArtifacts: kept.stepArtifacts }),
      ...(kept.tree === undefined ? {} : { tree: kept.tree }),
      ...(track.committed === undefined ? {} : { image: track.committed }),
    },
  ]);
};

/** A step that was under way when the attempt ended has ended with it. */
const endStep = async (deps: AttemptDeps, { stage, attempt }: Item, { step }: Track, { outcome, exitCode }: Ending): Promise<void> => {
  if (step === undefined) return;
  const ended = outcome === 'passed' ? 'errored' : outcome;
  const code = exitCode === undefined ? {} : { exitCode };
  await deps.report([{ kind: 'step.finished', stage: stage.name, attempt, step, outcome: ended, ...code }]);
};

const trackOf = (deps: AttemptDeps, started: Started | undefined): Track => ({
  startedAt: started?.startedAt ?? deps.clock.now(),
  ...(started?.image === undefined ? {} : { image: { reference: started.image.reference, digest: started.image.digest } }),
  ...(started?.done === undefined || started.container === undefined ? {} : { container: started.container }),
  ...(started?.output === undefined ? {} : { output: started.output }),
  ...stepUnderWay(started),
});

const stepUnderWay = (started: Started | undefined): Pick<Track, 'step'> => {
  const step = started?.steps.findLast(({ phase }) => phase === 'running');
  return step === undefined ? {} : { step: step.id };
};

/** What an attempt is carried out with. */
type Attempt = {
  readonly deps: AttemptDeps;
  readonly item: Item;
  readonly control: AttemptControl;
  readonly track: Track;
  /** The item with its images, looked up once. */
  readonly withImages: () => Promise<Item>;
  readonly started: Started | undefined;
};

const endOf = async (deps: AttemptDeps, item: Item, control: AttemptControl, track: Track, started?: Started): Promise<Ending> => {
  let images: Promise<Item> | undefined;
  const withImages = (): Promise<Item> => (images ??= deps.withImages(item));
  const attempt = { deps, item, control, track, withImages, started };
  try {
    const command = started?.done === undefined ? await runCommand(attempt) : passed;
    track.begun ??= await deps.results.begin(keyOf(item), track.startedAt);
    const ending =
      command.outcome !== 'passed' || item.stage.done === undefined ? command : await runDone(attempt, doneItem(item, item.stage.done));
    const execution = track.execution ?? (await endedContainer(attempt, ending));
    if (execution !== undefined) track.execution = execution;
    if (ending.outcome !== 'cancelled') await aside(deps, item, 'saving build output');
    return await commitEnd(deps, item, control, track, ending);
  } catch (error) {
    return endingOfFailure(error, control);
  }
};

const passed: Ending = { outcome: 'passed', exitCode: 0 };

/** That of the command, when an earlier process saw it end. What it should leave is missed only where the stage would pass without. */
const endedContainer = async (attempt: Attempt, { outcome }: Ending): Promise<Execution | undefined> => {
  const { stage } = attempt.item;
  if ((stage.commit ?? stage.caches ?? stage.taken) === undefined || outcome === 'cancelled') return undefined;
  const found = takeOver(attempt, attempt.item);
  if (outcome === 'passed') return (await found) ?? gone(attempt.item);
  return found.catch(() => undefined);
};

const endingOfFailure = (error: unknown, control: AttemptControl): Ending => {
  if (error instanceof JournalError) throw error;
  if (control.stop.aborted || control.force.aborted) return { outcome: 'cancelled', cause: { kind: 'cancelled' } };
  return endingOfError(error);
};

const runCommand = async (attempt: Attempt): Promise<Ending> => {
  const { deps, item, control, track, started } = attempt;
  const execution = (started === undefined ? undefined : await takeOver(attempt, item)) ?? (await begin(attempt));
  track.container = execution.container;
  track.execution = execution;
  const log = (track.begun ??= await deps.results.begin(keyOf(item), track.startedAt));
  const ahead = new AbortController();
  readyDone(attempt, ahead.signal).catch(() => {});
  try {
    const before = { log, startedAt: track.startedAt, steps: started?.steps ?? [], track };
    const { output, ...followed } = await keepUp(deps, item, control, before, execution);
    if (output !== undefined) track.output = output;
    return endingOf(followed);
  } finally {
    ahead.abort();
  }
};

/** The execution that an earlier process let go; `undefined` when it certainly did not. */
const takeOver = async ({ deps, control }: Attempt, item: Item): Promise<Execution | undefined> => {
  const attached = await deps.runtime.attach(item, control.force);
  if (attached.kind === 'gone') return gone(item);
  return attached.kind === 'live' ? attached.execution : undefined;
};

const gone = ({ stage }: Item): never => {
  throw new RuntimeError('CONTAINER_GONE', `the container of "${stage.name}" is gone: whether its command ran to the end cannot be known`);
};

const begin = async ({ deps, item, control, track, withImages }: Attempt): Promise<Execution> => {
  const { name: stage } = item.stage;
  const { attempt } = item;
  const announced = deps.report([{ kind: 'stage.preparing', stage, attempt }]);
  const [{ complete, prepared }] = await allSettled([ready(deps, withImages, control), announced]);
  const values = await deps.values(item);
  track.startedAt = deps.clock.now();
  track.image = imageOf(prepared);
  const [begun] = await allSettled([
    deps.results.begin(keyOf(item), track.startedAt),
    deps.report([
      { kind: 'image.resolved', stage, attempt, ...prepared.image },
      ...asides(item, 'environment variables'),
      { kind: 'stage.started', stage, attempt, container: prepared.container },
    ]),
  ]);
  track.begun = begun;
  control.stop.throwIfAborted();
  return deps.runtime.start(complete, values, control.force);
};

/** Prepares while volumes are filled, unless an image is built from one of them. */
const ready = async (deps: AttemptDeps, withImages: () => Promise<Item>, control: AttemptControl) => {
  const complete = await withImages();
  const filled = deps.fill(complete);
  const prepare = async (): Promise<Prepared> => {
    if (buildVolumesOf(complete.stage).length > 0) await filled;
    return deps.runtime.prepare(complete, (note) => deps.sink.note(complete.stage.name, note), control.stop);
  };
  const [prepared] = await allSettled([prepare(), filled]);
  return { complete, prepared };
};

/** While the command runs; services would be there twice. */
const readyDone = async ({ deps, item, withImages }: Attempt, signal: AbortSignal): Promise<void> => {
  if (item.stage.done === undefined || item.stage.services.length > 0) return;
  const complete = doneItem(await withImages(), item.stage.done);
  if (!signal.aborted) await deps.runtime.prepare(complete, () => {}, signal);
};

const doneItem = (item: Item, { command, timeouts }: NonNullable<Stage['done']>): Item => ({
  ...item,
  stage: { ...item.stage, command, timeouts },
  part: 'done',
});

const runDone = async (attempt: Attempt, item: Item): Promise<Ending> => {
  const { deps, control, started } = attempt;
  try {
    const startedAt = started?.done?.startedAt;
    const begun =
      (startedAt === undefined ? undefined : await takeOver(attempt, item).then((execution) => execution && { execution, startedAt })) ??
      (await beginDone(attempt, item));
    const log = item.stage.sensitive ? undefined : await deps.results.begin({ ...keyOf(item), part: 'done' }, begun.startedAt);
    const followed = await keepUp(
      deps,
      item,
      control,
      { startedAt: begun.startedAt, ...(log === undefined ? {} : { log }) },
      begun.execution,
    );
    await log?.close();
    return ofDone(endingOf(followed));
  } catch (error) {
    return ofDone(endingOfFailure(error, control));
  }
};

const beginDone = async ({ deps, control, track, withImages }: Attempt, { stage, attempt }: Item) => {
  control.stop.throwIfAborted();
  const complete = doneItem(await withImages(), stage);
  const prepared = await deps.runtime.prepare(complete, (note) => deps.sink.note(stage.name, note), control.stop);
  const values = await deps.values(complete);
  const startedAt = deps.clock.now();
  const output = track.output === undefined ? {} : { output: track.output };
  await deps.report([{ kind: 'stage.done-started', stage: stage.name, attempt, container: prepared.container, ...output }]);
  control.stop.throwIfAborted();
  return { startedAt, execution: await deps.runtime.start(complete, values, control.force) };
};

const imageOf = ({ image }: Prepared): Image => ({ reference: image.reference, digest: image.digest });
