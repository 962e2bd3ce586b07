import type { Readable } from 'node:stream';
import { hasFile, tarCensus } from '../lib/tar-census.ts';
import type { TakenFiles } from '../plan/plan.ts';
import type { ArtifactRef, FileTree } from '../run/run-event.ts';
import type { Execution, Item } from '../runtimes/runtime.ts';
import { type AttemptDeps, keyOf } from './attempt-deps.ts';
import { artifactsVolume } from './items.ts';
import { putArtifacts } from './put-artifacts.ts';

/** The zip of files of the ended container; and a volume of them, when another stage mounts them. */
export const keepTaken = async (
  deps: AttemptDeps,
  item: Item,
  execution: Execution,
  { path, or, limitBytes }: TakenFiles,
  signal: AbortSignal,
): Promise<{ readonly artifacts?: ArtifactRef; readonly tree?: FileTree }> => {
  const { name, sensitive } = item.stage;
  const from = or === undefined || (await holdsFile(execution, path, signal)) ? path : or;
  let tooLarge: ArtifactsTooLarge | undefined;
  const taken = async (): Promise<Readable | undefined> => {
    const tar = await execution.take(from, signal);
    if (tar === undefined || limitBytes === undefined) return tar;
    const over = (): Error => (tooLarge = new ArtifactsTooLarge(from, limitBytes));
    return tarCensus(tar, { bytes: limitBytes, over }).tar;
  };
  try {
    const zipped = sensitive ? undefined : await taken();
    const artifacts = zipped === undefined ? undefined : await putArtifacts(deps, item, keyOf(item), zipped);
    const kept = artifacts === undefined ? {} : { artifacts };
    const handed = deps.isMounted(name) ? await taken() : undefined;
    if (handed === undefined) return kept;
    const tree = { volume: artifactsVolume(name, item.attempt) };
    await deps.runtime.write({ run: item.run, ...tree }, handed, signal);
    return { ...kept, tree };
  } catch (error) {
    throw tooLarge ?? error;
  }
};

const holdsFile = async (execution: Execution, path: string, signal: AbortSignal): Promise<boolean> => {
  const tar = await execution.take(path, signal);
  return tar !== undefined && (await hasFile(tar));
};

class ArtifactsTooLarge extends Error {
  readonly code = 'ARTIFACTS_TOO_LARGE';

  constructor(path: string, limitBytes: number) {
    super(`the files in ${path} are larger than ${limitBytes} bytes: none of them was kept`);
  }
}
