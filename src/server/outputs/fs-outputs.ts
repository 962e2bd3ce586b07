import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunId } from '../../lib/ids.ts';
import { writeAtomically } from '../../lib/atomic-file.ts';
import type { AttemptKey } from '../../results/results.ts';
import type { Sealer } from '../../secrets/sealer.ts';
import type { OutputStore } from './output-store.ts';

/** `<root>/<run>/<digest of stage and attempt>`, each sealed as `output/<run>/<stage>/<attempt>`. */
export const fsOutputs = ({ root, sealer }: { readonly root: string; readonly sealer: Sealer }): OutputStore => {
  const directoryOf = (run: string): string => {
    if (!isRunId(run)) throw new Error(`${JSON.stringify(run)} cannot be the name of a run`);
    return join(root, run);
  };
  const placeOf = (key: AttemptKey) => {
    const context = `output/${key.run}/${key.stage}/${key.attempt}`;
    const directory = directoryOf(key.run);
    return { context, directory, path: join(directory, createHash('sha256').update(context).digest('hex')) };
  };
  return {
    keep: async (key, stdout) => {
      const { context, directory, path } = placeOf(key);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeAtomically(path, sealer.seal(stdout, context));
    },
    read: async (key) => {
      const { context, path } = placeOf(key);
      try {
        return sealer.open(await readFile(path, 'utf8'), context);
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    remove: (run) => rm(directoryOf(run), { recursive: true, force: true }),
  };
};
