import type { LogsPlace } from '../logs-place.ts';
import { followEvents, followLog } from './follow.ts';
import type { RemoteProject } from './open-remote.ts';
import { remoteRuns } from './remote-runs.ts';

/** The logs of runs on a server. */
export const logsOn = (remote: RemoteProject): LogsPlace => ({
  runs: remoteRuns(remote),
  isLive: async ({ phase }) => phase !== 'finished',
  log: ({ number }, key, { follow, signal }) => followLog(remote, number, { ...key, until: follow ? 'end' : 'now' }, signal),
  events: ({ number }, signal) => followEvents(remote, number, 0, signal),
});
