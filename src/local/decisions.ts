import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../lib/sync-folder.ts';
import type { Decision } from '../run/run-event.ts';
import { isMissing, LocalError, stateUnreadable, stateUnwritable } from './local-error.ts';
import { runState } from './project-dir.ts';
import { waitFor } from './wait-for.ts';

/** One opening of a gate of a run: a re-run opens it again. */
export type GateOpening = { readonly run: string; readonly gate: string; readonly openedAt: number };

/**
 * Decides a gate, whether a process carries the run or none: `state/<run>/decisions/` gets one file for each opening of a gate, which
 * can be made only once, whole and on the disk. Gives the decision that was there before, which stays; `undefined` when this one counts.
 */
export const makeDecision = async (dir: string, opening: GateOpening, decision: Decision): Promise<Decision | undefined> => {
  const directory = decisionsOf(dir, opening.run);
  const mine = join(directory, `.${process.pid}-${crypto.randomUUID()}`);
  try {
    await mkdir(directory, { recursive: true });
    await writeDurably(mine, JSON.stringify({ gate: opening.gate, ...decision }));
    await link(mine, join(directory, fileOf(opening)));
    await syncFolder(directory);
    return undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return readDecision(dir, opening);
    throw stateUnwritable(whatOf(opening), error);
  } finally {
    await rm(mine, { force: true });
  }
};

export const readDecision = async (dir: string, opening: GateOpening): Promise<Decision | undefined> => {
  try {
    return parseDecision(await readFile(join(decisionsOf(dir, opening.run), fileOf(opening)), 'utf8'), opening);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw stateUnreadable(whatOf(opening), error);
  }
};

export const awaitDecision = async (dir: string, opening: GateOpening, signal: AbortSignal): Promise<Decision> => {
  const directory = decisionsOf(dir, opening.run);
  await mkdir(directory, { recursive: true }).catch((error: unknown) => {
    throw stateUnwritable(whatOf(opening), error);
  });
  return waitFor(
    directory,
    (file) => file === fileOf(opening),
    () => readDecision(dir, opening),
    signal,
  );
};

const decisionsOf = (dir: string, run: string): string => join(runState(dir, run), 'decisions');

/** Names of gates are the user's: in hexadecimal they are the same file on every file system. */
const fileOf = ({ gate, openedAt }: GateOpening): string => `${openedAt}-${Buffer.from(gate).toString('hex')}.json`;

const whatOf = ({ run, gate }: GateOpening): string => `the decision about the gate ${JSON.stringify(gate)} of ${run}`;

const parseDecision = (text: string, opening: GateOpening): Decision => {
  const { kind, by, at, reason } = JSON.parse(text) as Partial<Decision>;
  if ((kind !== 'approved' && kind !== 'rejected') || typeof by !== 'string' || typeof at !== 'number') {
    throw new LocalError('STATE_UNREADABLE', `Cannot read ${whatOf(opening)}: it is not one.`);
  }
  return { kind, by, at, ...(typeof reason === 'string' ? { reason } : {}) };
};

const writeDurably = async (path: string, text: string): Promise<void> => {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
};
