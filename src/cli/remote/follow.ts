import type { LogPiece } from '../../api/client.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RemoteProject } from './open-remote.ts';
import { patience } from './patience.ts';
import { reasonOf } from './server-fetch.ts';
import { ServerError } from './server-error.ts';

/**
 * What happens in a run from `after` on until it finishes, or the signal aborts; goes on where it was when the connection breaks or the server begins
 * anew. The run must not have finished at `after`.
 */
export const followEvents = async function* (
  { api, project, clock, url }: RemoteProject,
  number: number,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<RunEvent> {
  const wait = patience(clock);
  let last = after;
  while (!signal.aborted) {
    let broken: unknown = new ServerError(url, 'the connection was closed');
    try {
      for await (const event of api.followEvents(project, number, last, signal)) {
        if (event.seq <= last) continue;
        last = event.seq;
        wait.reset();
        yield event;
        if (event.kind === 'run.finished') return;
      }
    } catch (error) {
      broken = asServerError(url, error);
    }
    if (!signal.aborted) await wait.after(broken, signal);
  }
};

export type LogWanted = {
  readonly stage: string;
  readonly attempt?: number;
  readonly part?: 'done';
  /** `end`: of the attempt. */
  readonly until: 'end' | 'now';
};

/** The exact bytes of a log, each once, whatever breaks meanwhile. */
export const followLog = async function* (
  { api, project, clock, url }: RemoteProject,
  number: number,
  { stage, ...which }: LogWanted,
  signal: AbortSignal,
): AsyncGenerator<LogPiece> {
  const wait = patience(clock);
  let from = 0;
  while (!signal.aborted) {
    let broken: unknown = new ServerError(url, 'the connection was closed');
    const pieces = api.followLog(project, number, stage, { ...which, from }, signal);
    try {
      for (let next = await pieces.next(); ; next = await pieces.next()) {
        if (next.done && next.value) return;
        if (next.done) break;
        from = next.value.end;
        wait.reset();
        yield next.value;
      }
    } catch (error) {
      broken = asServerError(url, error);
    } finally {
      await pieces.return(false).catch(() => undefined);
    }
    if (!signal.aborted) await wait.after(broken, signal);
  }
};

/** What breaks off in the middle of an answer has no name of its own. */
const asServerError = (url: string, error: unknown): unknown =>
  error instanceof TypeError ? new ServerError(url, reasonOf(error)) : error;
