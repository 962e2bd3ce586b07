import { setMaxListeners } from 'node:events';
import { fold } from '../../run/fold.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import { exitCodeOf } from '../carry-out.ts';
import type { Context } from '../context.ts';
import { describeError } from '../describe-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { listenForInterrupts } from '../interrupts.ts';
import { isLive, openPrinter, type PrinterOptions } from '../open-printer.ts';
import type { Asked } from '../printers/gate-questions.ts';
import { printProblems } from '../print-problems.ts';
import type { RemoteProject } from './open-remote.ts';
import { readRemote } from './remote-runs.ts';
import { watchRun } from './watch-run.ts';

/**
 * Stays with a run of a server to its end as if it ran here: the same picture, gates are asked about, Ctrl-C cancels it, and the exit code says how it ended.
 * `past`: what is not shown.
 */
export const stayWith = async (
  context: Context,
  remote: RemoteProject,
  number: number,
  past: readonly RunEvent[],
  options: PrinterOptions,
): Promise<ExitCode> => {
  const { api, project, clock } = remote;
  const later: string[] = [];
  const say = (text: string): void => {
    if (isLive(context, options)) later.push(text);
    else context.stderr.write(`cion: ${text}\n`);
  };
  const interrupts = listenForInterrupts((text) => void (isLive(context, options) || say(text)));
  const ask = (force: boolean) => (): void =>
    void api.cancel(project, number, force).catch((error: unknown) => say(describeError(error).message));
  interrupts.cancel.addEventListener('abort', ask(false), { once: true });
  interrupts.force.addEventListener('abort', ask(true), { once: true });
  const person = isLive(context, options) ? await personAt(remote, number) : undefined;
  const printer = await openPrinter(context, { ...options, place: remote.place }, clock, person);
  const stay = new AbortController();
  // One listener for each log that is followed.
  setMaxListeners(0, stay.signal);
  let state: RunState | undefined;
  try {
    state = await watchRun(remote, number, { past, printer, logs: true, signal: stay.signal });
  } finally {
    await printer.close();
    for (const text of later) context.stderr.write(`cion: ${text}\n`);
    interrupts.stop();
  }
  return endOf(context, state ?? fold(past));
};

const endOf = async (context: Context, state: RunState | undefined): Promise<ExitCode> => {
  const problems = state?.fetch.problems ?? [];
  await printProblems(context, problems, []);
  return problems.length > 0 && state?.plan === undefined ? exitCodes.refused : exitCodeOf(state?.outcome);
};

/** Who is at the terminal and logged in: what they decide there is bound to what the server has at that moment. */
const personAt = async (remote: RemoteProject, number: number): Promise<Omit<Asked, 'keys'> | undefined> => {
  if (!remote.isLoggedIn) return undefined;
  const { name } = await remote.api.me();
  return {
    name,
    decide: async (gate, openedAt, decision) => {
      const { digest = '' } = await readRemote(remote, number);
      await remote.api.decide(remote.project, number, gate, { decision, digest, openedAt });
    },
  };
};
