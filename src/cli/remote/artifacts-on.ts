import { Readable } from 'node:stream';
import { ApiError } from '../../api/api-error.ts';
import type { ArtifactsPlace } from '../artifacts-place.ts';
import type { RemoteProject } from './open-remote.ts';
import { remoteRuns } from './remote-runs.ts';

/** The files that stages of runs on a server left. */
export const artifactsOn = (remote: RemoteProject): ArtifactsPlace => ({
  runs: remoteRuns(remote),
  zip: async ({ number }, { stage, part }) => {
    const answer = await remote.api.artifacts(remote.project, number, stage, part === undefined ? {} : { part }).catch((error: unknown) => {
      if (error instanceof ApiError && error.code === 'FILES_GONE') return undefined;
      throw error;
    });
    return answer?.body ? Readable.from(answer.body as AsyncIterable<Uint8Array>, { objectMode: false }) : undefined;
  },
});
