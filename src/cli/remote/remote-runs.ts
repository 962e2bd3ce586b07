import { ApiError } from '../../api/api-error.ts';
import { fold } from '../../run/fold.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import { Refusal } from '../refusal.ts';
import type { RunPlace } from '../run-place.ts';
import type { RemoteProject } from './open-remote.ts';

/** The runs of a project on a server, as commands look for them. */
export const remoteRuns = (remote: RemoteProject): RunPlace => ({
  has: async (text) => (await lookUp(remote, text)) !== undefined,
  read: async (text) => readRemote(remote, await numberOf(remote, text)),
  open: async function* () {
    const { runs } = await remote.api.runs(remote.project, { finished: 'false', limit: 200 });
    for (const { number } of runs) yield await readRemote(remote, number);
  },
});

/** The number of the run that a person means, as `resolveRun` does; the newest when nothing is said. */
export const numberOf = async (remote: RemoteProject, text: string | undefined): Promise<number> => {
  const found = await lookUp(remote, text ?? 'last');
  if (found !== undefined) return found;
  if (text === undefined || text === 'last')
    throw new Refusal('NO_RUNS', `${remote.project} has no runs yet.`, 'Start one: cion run --server');
  throw runUnknown(remote, JSON.stringify(text));
};

const runUnknown = ({ project, isHere }: RemoteProject, run: string): Refusal =>
  new Refusal('RUN_UNKNOWN', `${project} has no run ${run}.`, `"cion runs --server${isHere ? '' : ` --on ${project}`}" lists them.`);

const searched = 1000;

const lookUp = async ({ api, project }: RemoteProject, text: string): Promise<number | undefined> => {
  if (text === 'last') return (await api.runs(project, { limit: 1 })).runs[0]?.number;
  const number = /^#?(\d{1,9})$/.exec(text)?.[1];
  if (number !== undefined) return Number(number);
  if (!/^(?:run_)?[0-9a-hjkmnp-tv-z]+$/.test(text)) return undefined;
  const isMeant = ({ run }: { readonly run: string }): boolean => run.startsWith(text) || run.startsWith(`run_${text}`);
  let before: string | undefined;
  for (let seen = 0; seen < searched; ) {
    const { runs, next } = await api.runs(project, { limit: 200, ...(before === undefined ? {} : { before }) });
    const found = runs.filter(isMeant);
    if (found.length > 1) {
      throw new Refusal(
        'RUN_AMBIGUOUS',
        `The ids of ${found.length} runs begin with "${text}".`,
        `Say its number: ${found.map((one) => one.number).join(', ')}.`,
      );
    }
    if (found[0] !== undefined || next === undefined) return found[0]?.number;
    seen += runs.length;
    before = next;
  }
  return undefined;
};

export const eventsOf = async (remote: RemoteProject, number: number): Promise<readonly RunEvent[]> => {
  const { api, project } = remote;
  const events: RunEvent[] = [];
  for (;;) {
    const more = await api.events(project, number, events.at(-1)?.seq ?? 0).catch((error: unknown) => {
      throw error instanceof ApiError && error.code === 'RUN_UNKNOWN' ? runUnknown(remote, String(number)) : error;
    });
    if (more.length === 0) return events;
    events.push(...more);
  }
};

export const readRemote = async (remote: RemoteProject, number: number): Promise<RunState> => {
  const state = fold(await eventsOf(remote, number));
  if (state === undefined) throw runUnknown(remote, String(number));
  return state;
};
