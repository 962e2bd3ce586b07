import type { Mirror } from './mirror.ts';
import { documentName, logName, logOwner, objectPath, pastName, zipName } from './object-names.ts';
import type { Results } from './results.ts';

/**
 * Results that are kept here, and copied elsewhere behind everybody's back: calls do as the local results do, and take as long. The
 * document is due when an attempt begins (R-DCK-97) and log, zip and document when it has ended (R-DCK-80, R-DCK-81), in this order, so that
 * what a document names is there before it.
 */
export const mirrored = (local: Results, mirror: Pick<Mirror, 'due'>): Results => ({
  ...local,

  begin: async (key, startedAt) => {
    const log = await local.begin(key, startedAt);
    const { run, stage, attempt, part } = key;
    if (part !== undefined) return log;
    if (attempt === 1) mirror.due([objectPath(run, documentName(stage))]);
    else mirror.due([...pathsOf(run, stage, attempt - 1), ...pathsOf(run, stage)]);
    return log;
  },

  finish: async (key, summary) => {
    await local.finish(key, summary);
    mirror.due(pathsOf(key.run, key.stage));
  },
});

/** The objects of a stage, or of a past attempt of it, the document last. */
export const pathsOf = (run: string, stage: string, attempt?: number): readonly string[] => {
  const named = (name: string): string => (attempt === undefined ? name : pastName(name, attempt));
  const name = named(stage);
  const steps = zipName(named(logOwner({ stage, part: 'steps' })));
  return [logName(named(logOwner({ stage, part: 'done' }))), logName(name), steps, zipName(name), documentName(name)].map((file) =>
    objectPath(run, file),
  );
};
