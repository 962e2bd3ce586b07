import { tarCensus } from '../lib/tar-census.ts';
import { tarRenamed } from '../lib/tar-renamed.ts';
import type { ArtifactRef } from '../run/run-event.ts';
import type { Execution, Item } from '../runtimes/runtime.ts';
import { type AttemptDeps, keyOf } from './attempt-deps.ts';
import { errorCause } from './cause.ts';
import { putArtifacts } from './put-artifacts.ts';
import { say } from './say.ts';

const reports = '/report';
const limitBytes = 1000 * 1024 * 1024;

/**
 * What steps put into `artifacts` of their report directories, as one zip in which the files of a step lie below its id (R-WRK-160). Files
 * that cannot be kept are told of, and change nothing.
 */
export const keepStepArtifacts = async (
  deps: AttemptDeps,
  item: Item,
  execution: Execution,
  signal: AbortSignal,
): Promise<ArtifactRef | undefined> => {
  const { command, sensitive } = item.stage;
  if (command.kind !== 'steps' || sensitive || !execution.mayHaveStepArtifacts()) return undefined;
  const ids = new Set([...command.steps, ...command.after].map(({ id }) => id));
  const nameOf = (path: string): string | undefined => {
    const [id = '', directory, ...rest] = path.split('/');
    return ids.has(id) && directory === 'artifacts' && rest.length > 0 ? [id, ...rest].join('/') : undefined;
  };
  try {
    return await deps.deliver(async () => {
      const tar = await execution.take(reports, signal);
      if (tar === undefined) return undefined;
      const over = (): Error => new Error(`they are larger than ${limitBytes} bytes`);
      const kept = tarCensus(tarRenamed(tar, nameOf), { bytes: limitBytes, over });
      return putArtifacts(deps, item, { ...keyOf(item), part: 'steps' }, kept.tar);
    });
  } catch (error) {
    if (signal.aborted) return undefined;
    await say(deps, item, `the files that its steps kept were not: ${errorCause(error).message}`);
    return undefined;
  }
};
