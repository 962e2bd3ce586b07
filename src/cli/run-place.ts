import { resolveRun, runIds } from '../local/runs.ts';
import type { RunState } from '../run/run-state.ts';
import { findRun, type Project, readRun } from './project.ts';

/** Where the runs of a project are, as commands look for them: on this machine, or on a server. */
export type RunPlace = {
  /** Whether a text names a run there. */
  has(text: string): Promise<boolean>;
  /** The run that a person means; the newest when nothing is said. Throws a Refusal. */
  read(text: string | undefined): Promise<RunState>;
  /** Those that have not finished, newest first. */
  open(): AsyncIterable<RunState>;
};

export const localRuns = (project: Project): RunPlace => ({
  has: async (text) => (await resolveRun(project.stateDir, text)).ok,
  read: async (text) => readRun(project, await findRun(project, text)),
  open: async function* () {
    for (const run of await runIds(project.stateDir)) {
      const state = await readRun(project, run);
      if (state.phase !== 'finished') yield state;
    }
  },
});
