import type { RunState } from '../../run/run-state.ts';
import type { Results } from '../results.ts';
import { indexPath, indexText, outPath, outZip } from '../run-objects.ts';
import type { S3Objects } from './s3-objects.ts';

/** The objects of a run as a whole, of what `results` has of its stages in the same place. */
export const s3RunObjects = (objects: S3Objects, results: Results) => ({
  index: (state: RunState): Promise<void> => objects.put(indexPath(state.run), Buffer.from(indexText(state))),
  out: async (state: RunState): Promise<void> => {
    const zip = outZip(results, state);
    if (zip !== undefined) await objects.put(outPath(state.run), zip);
  },
});
