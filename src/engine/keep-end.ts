import type { Readable } from 'node:stream';
import { tarWithout } from '../lib/tar-without.ts';
import type { Artifacts } from '../plan/plan.ts';
import type { AttemptKey, StageSummary } from '../results/results.ts';
import type { ArtifactRef, FileTree } from '../run/run-event.ts';
import type { Item } from '../runtimes/runtime.ts';
import { type AttemptControl, type AttemptDeps, keyOf, type Track } from './attempt-deps.ts';
import { causeText, type Ending, endingOfError } from './cause.ts';
import { artifactsVolume } from './items.ts';
import { JournalError } from './journal-error.ts';
import { keepCaches } from './keep-caches.ts';
import { keepStepArtifacts } from './keep-step-artifacts.ts';
import { keepTaken } from './keep-taken.ts';
import { putArtifacts } from './put-artifacts.ts';

export type Kept = {
  readonly ending: Ending;
  readonly artifacts?: ArtifactRef;
  readonly stepArtifacts?: ArtifactRef;
  readonly tree?: FileTree;
};

/** Files and document; a failure here errors the attempt, but never hides how its command ended when that was worse. */
export const keepEnd = async (deps: AttemptDeps, item: Item, control: AttemptControl, track: Track, ending: Ending): Promise<Kept> => {
  const key = keyOf(item);
  let result: Kept = { ending };
  const errored = (error: unknown): void => {
    if (error instanceof JournalError) throw error;
    if (result.ending.outcome === 'passed') result = { ...result, ending: endingOfError(error) };
  };
  try {
    if (!control.force.aborted) await keepCaches(deps, item, control, track, ending);
    await track.begun?.close();
    if (track.execution !== undefined && !control.force.aborted) {
      const stepArtifacts = await keepStepArtifacts(deps, item, track.execution, control.force);
      if (stepArtifacts !== undefined) result = { ...result, stepArtifacts };
    }
    if (item.stage.taken !== undefined && track.execution !== undefined && !control.force.aborted) {
      const { execution } = track;
      const { taken } = item.stage;
      result = { ...result, ...(await deps.deliver(() => keepTaken(deps, item, execution, taken, control.force))) };
    }
    if (item.stage.artifacts !== undefined && track.container !== undefined && !control.force.aborted) {
      const { artifacts } = item.stage;
      result = { ...result, ...(await deps.deliver(() => keepFiles(deps, item, artifacts, control.force))) };
    }
  } catch (error) {
    errored(error);
  }
  try {
    if (track.container !== undefined && !control.force.aborted) await deps.handOver(item, result.tree);
  } catch (error) {
    errored(error);
  }
  try {
    const hasLog = track.begun !== undefined || (await hasEarlierLog(deps, key, track));
    await deps.results.finish(key, summaryOf(deps, item, track, result.ending, { hasLog, hasArtifacts: result.artifacts !== undefined }));
  } catch (error) {
    errored(error);
  }
  return result;
};

/** Whether a process that is gone has kept some of it: the container may be gone too. */
const hasEarlierLog = async ({ results }: AttemptDeps, key: AttemptKey, { startedAt }: Track): Promise<boolean> => {
  const log = await results.begin(key, startedAt);
  await log.close();
  return log.position.stdout + log.position.stderr > 0;
};

/** The zip of exactly what the stage left, and where that is for later stages: in a volume of its own when its volume holds more. */
const keepFiles = async (
  deps: AttemptDeps,
  item: Item,
  { volume, directory, except = [] }: Artifacts,
  signal: AbortSignal,
): Promise<{ readonly artifacts?: ArtifactRef; readonly tree: FileTree }> => {
  const place = { run: item.run, volume };
  const whole = async (): Promise<Readable | undefined> => deps.runtime.read(place, signal);
  const zipped = async (tar: Readable | undefined): Promise<{ readonly artifacts?: ArtifactRef }> => {
    if (tar === undefined) return {};
    if (item.stage.sensitive) {
      tar.destroy();
      return {};
    }
    const artifacts = await putArtifacts(deps, item, keyOf(item), tar);
    return artifacts === undefined ? {} : { artifacts };
  };

  const own = directory === undefined ? undefined : await deps.runtime.read({ ...place, directory }, signal);
  if (directory !== undefined && own !== undefined) return { tree: { volume, directory }, ...(await zipped(own)) };
  const tar = await whole();
  if (tar === undefined || except.length === 0) return { tree: { volume }, ...(await zipped(tar)) };
  const lessened = tarWithout(tar, except);
  const kept = await zipped(lessened.tar);
  const isWhole = !item.stage.sensitive && lessened.omitted() === 0;
  const again = isWhole || !deps.isMounted(item.stage.name) ? undefined : await whole();
  if (again === undefined) return { tree: { volume }, ...kept };
  const tree = { volume: artifactsVolume(item.stage.name, item.attempt) };
  await deps.runtime.write({ run: item.run, ...tree }, tarWithout(again, except).tar, signal);
  return { tree, ...kept };
};

const summaryOf = (
  deps: AttemptDeps,
  item: Item,
  track: Track,
  ending: Ending,
  { hasLog, hasArtifacts }: Pick<StageSummary, 'hasLog' | 'hasArtifacts'>,
): StageSummary => ({
  outcome: ending.outcome,
  startedAt: track.startedAt,
  finishedAt: deps.clock.now(),
  hasLog: hasLog && !item.stage.sensitive,
  hasArtifacts,
  ...(ending.exitCode === undefined ? {} : { exitCode: ending.exitCode }),
  ...(ending.cause === undefined ? {} : { message: causeText(ending.cause) }),
  ...(track.image === undefined ? {} : { image: track.image }),
  ...(track.container === undefined ? {} : { container: track.container }),
});
