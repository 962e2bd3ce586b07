import { systemClock } from '../../lib/clock.ts';
import { makeDecision } from '../../local/decisions.ts';
import { followJournal } from '../../local/journal.ts';
import { ownerOf } from '../../local/lock.ts';
import type { Decision } from '../../run/run-event.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { type FoundGate, findGate, onlyGate } from '../find-gate.ts';
import { mayDecide } from '../gates.ts';
import { decisionSentence, gateSentence, skipSentence } from '../printers/sentences.ts';
import { visible } from '../printers/visible.ts';
import { dateTime, list } from '../printers/words.ts';
import type { Project } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { decideRemote } from '../remote/decide.ts';
import { isRemote, type RemoteOptions } from '../remote/open-remote.ts';
import { localRuns } from '../run-place.ts';
import { userName } from '../session.ts';
import { openProject } from './open-project.ts';

export type DecideOptions = RemoteOptions & { readonly by?: string; readonly reason?: string };

export const approve = (context: Context, first: string | undefined, second: string | undefined, options: DecideOptions) =>
  decideGate(context, 'approved', first, second, options);

export const reject = (context: Context, first: string | undefined, second: string | undefined, options: DecideOptions) =>
  decideGate(context, 'rejected', first, second, options);

/** Decides an open gate, whether a process carries the run or none (R-DCO-36). */
const decideGate = async (
  context: Context,
  kind: 'approved' | 'rejected',
  first: string | undefined,
  second: string | undefined,
  options: DecideOptions,
): Promise<ExitCode> => {
  if (isRemote(options)) return decideRemote(context, kind, first, second, options);
  const { by = userName(context), reason } = options;
  const project = await openProject(context);
  const runs = localRuns(project);
  const found = first === undefined ? await onlyGate(runs) : await findGate(runs, first, second);
  const { run, number } = found.state;
  const openedAt = openingOf(found, by, systemClock.now());
  const opening = { run, gate: found.gate.name, openedAt };
  const decision: Decision = { kind, by, at: systemClock.now(), ...(reason === undefined ? {} : { reason }) };
  const earlier = await makeDecision(project.stateDir, opening, decision);
  if (earlier !== undefined) throw decidedAlready(opening.gate, earlier);
  const isCarried = (await ownerOf(project.stateDir, run)) !== undefined;
  const taken = isCarried ? await takenBy(project, run, opening) : undefined;
  if (taken !== undefined && !isSame(taken, decision)) throw decidedAlready(opening.gate, taken);
  const next =
    taken !== undefined
      ? ''
      : isCarried
        ? ` Its process has not taken it yet; cion show ${number} tells.`
        : ` Its process is gone: cion resume ${number} goes on with it.`;
  context.stdout.write(`Run ${number}: ${visible(opening.gate)} is ${kind}.${next}\n`);
  return exitCodes.passed;
};

/** When the gate was opened, which it must be, and for the one who asks. */
const openingOf = ({ state, gate, own }: FoundGate, by: string, now: number): number => {
  const name = visible(gate.name);
  if (own.decision !== undefined) throw decidedAlready(gate.name, own.decision);
  if (state.phase === 'finished') throw new Refusal('RUN_FINISHED', `Run ${state.number} has ended: ${state.outcome}.`);
  if (own.skip !== undefined) throw new Refusal('GATE_CLOSED', `"${name}" was skipped, because ${skipSentence(own.skip)}.`);
  if (own.phase !== 'running' || own.openedAt === undefined) {
    const before = gate.needs.map(({ node }) => node).filter((node) => state.nodes.get(node)?.phase !== 'finished');
    throw new Refusal(
      'GATE_CLOSED',
      `"${name}" does not wait for a decision yet: first comes ${list(before.map((node) => visible(node)))}.`,
    );
  }
  if (gate.timeoutMs !== undefined && now >= own.openedAt + gate.timeoutMs) {
    throw new Refusal('GATE_DECIDED', `The time to decide "${name}" was over at ${dateTime(own.openedAt + gate.timeoutMs)}.`);
  }
  if (!mayDecide(gate, by))
    throw new Refusal('GATE_NOT_YOURS', `"${name}" waits for ${gateSentence(gate.waitsFor)}, not for ${visible(by)}.`);
  return own.openedAt;
};

const decidedAlready = (gate: string, decision: Decision): Refusal => {
  const told = decisionSentence(decision);
  return new Refusal(
    'GATE_DECIDED',
    `"${visible(gate)}" was already decided: ${told.charAt(0).toLowerCase()}${told.slice(1)}, at ${dateTime(decision.at)}.`,
  );
};

const patienceMs = 10_000;

/** What the process that carries the run has recorded about the gate. */
const takenBy = async (
  { stateDir }: Project,
  run: string,
  { gate, openedAt }: { readonly gate: string; readonly openedAt: number },
): Promise<Decision | undefined> => {
  for await (const event of followJournal(stateDir, run, { signal: AbortSignal.timeout(patienceMs) })) {
    if (event.kind === 'gate.decided' && event.gate === gate && event.at >= openedAt) return event.decision;
  }
  return undefined;
};

const isSame = (one: Decision, other: Decision): boolean => one.kind === other.kind && one.by === other.by && one.at === other.at;
