import { userInfo } from 'node:os';
import { makeRecorder, type Recorder } from '../engine/recorder.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { makeDecision } from '../local/decisions.ts';
import { openJournal } from '../local/journal.ts';
import { fold } from '../run/fold.ts';
import { type Journal, stamped } from '../run/journal.ts';
import type { RunEvent, RunFact } from '../run/run-event.ts';
import type { Context } from './context.ts';
import { type Interrupts, listenForInterrupts } from './interrupts.ts';
import { isLive, openPrinter, type PrinterOptions } from './open-printer.ts';
import { openSinks, type SinkOptions, withSinks } from './open-sinks.ts';
import type { Asked } from './printers/gate-questions.ts';
import type { Printer } from './printers/printer.ts';
import type { Project } from './project.ts';

/** A run that this process carries: its journal is ours, what happens is shown, signals are heard. */
export type Session = {
  readonly clock: Clock;
  readonly printer: Printer;
  readonly interrupts: Interrupts;
  /** For what happens before and beside the execution. */
  readonly recorder: Recorder;
  /** A word to people beside the run: at once, or where the terminal is painted, after the run. */
  say(text: string): void;
  /** The journal with all that the recorder has appended in its past: for the execution, which the recorder must not overlap. */
  journal(): Journal;
};

export type SessionOptions = SinkOptions & {
  /** The first fact of a run that is not there yet. */
  readonly begin?: () => Promise<RunFact & { readonly kind: 'run.created' }>;
  /** Cancels the run as a first Ctrl-C does. */
  readonly stop?: AbortSignal;
};

/** Rejects with RUN_BUSY when another process carries the run. */
export const withSession = async <T>(
  context: Context,
  project: Project,
  run: string,
  options: PrinterOptions & SessionOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> => {
  const clock = systemClock;
  const later: string[] = [];
  const say = (text: string): void => {
    if (isLive(context, options)) later.push(text);
    else context.stderr.write(`cion: ${text}\n`);
  };
  const sinks = await openSinks(context, options, { run, clock, warn: say });
  const journal = await openJournal(project.stateDir, run);
  const tell = (text: string): void => void (isLive(context, options) || context.stderr.write(`cion: ${text}\n`));
  const interrupts = listenForInterrupts(tell, userName(context), options.stop);
  const shown = await openPrinter(context, options, clock, personAt(context, project, run, clock));
  const printer = withSinks(shown, sinks);
  const past: RunEvent[] = [...journal.past];
  const act: Parameters<typeof makeRecorder>[3] = (events, state) => {
    for (const event of events) {
      past.push(event);
      printer.event(event, state);
    }
  };
  try {
    if (options.begin !== undefined) {
      const events = stamped([await options.begin()], 0, clock.now());
      await journal.append(events);
      const state = fold(events);
      if (state !== undefined) act(events, state);
    }
    const recorder = makeRecorder({ run, past: [...past], append: journal.append }, clock, () => [], act);
    return await work({ clock, printer, interrupts, recorder, say, journal: () => ({ run, past, append: journal.append }) });
  } finally {
    await shown.close();
    await sinks?.close();
    for (const text of later) context.stderr.write(`cion: ${text}\n`);
    await journal.close();
    interrupts.stop();
  }
};

/** Who is at the terminal and decides gates there as `cion approve` does from another. */
const personAt = (context: Context, { stateDir }: Project, run: string, clock: Clock): Omit<Asked, 'keys'> => {
  const name = userName(context);
  return {
    name,
    decide: async (gate, openedAt, kind) => {
      await makeDecision(stateDir, { run, gate, openedAt }, { kind, by: name, at: clock.now() });
    },
  };
};

/** Who asks, for people. */
export const userName = ({ env }: Context): string => {
  try {
    return userInfo().username;
  } catch {
    return env.USER || env.LOGNAME || 'somebody';
  }
};
