import type { Readable } from 'node:stream';
import type { ArtifactRef } from '../run/run-event.ts';
import type { Item } from '../runtimes/runtime.ts';
import type { AttemptDeps } from './attempt-deps.ts';
import { watchedForSecrets } from './redact/files-with-secrets.ts';
import { say } from './say.ts';

const mostNamed = 5;

/**
 * Keeps files that a stage leaves as they are: nobody rewrites them. That there is a secret in them is told of; with one in a name none is kept. Rejects with
 * SecretInName, and as the results do.
 */
export const putArtifacts = async (
  deps: AttemptDeps,
  item: Item,
  key: Parameters<AttemptDeps['results']['putArtifacts']>[0],
  tar: Readable,
): Promise<ArtifactRef | undefined> => {
  const watched = watchedForSecrets(tar, deps.secrets());
  let artifacts: ArtifactRef | undefined;
  try {
    artifacts = await deps.results.putArtifacts(key, watched.tar);
  } catch (error) {
    throw watched.refusal() ?? error;
  }
  const files = watched.files();
  if (files.length > 0) {
    const more = files.length > mostNamed ? ` and ${files.length - mostNamed} more` : '';
    await say(
      deps,
      item,
      `a secret is in files that it left: ${files.slice(0, mostNamed).join(', ')}${more}. Who may read the project can read them`,
    );
  }
  return artifacts;
};
