import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../lib/atomic-file.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { isRunId } from '../lib/ids.ts';
import { type Parsed, parsed, refused } from '../plan/problem.ts';
import { readJournal } from './journal.ts';
import { isMissing, stateUnreadable } from './local-error.ts';
import { runState, stateRoot } from './project-dir.ts';
import { runOfNumber } from './run-numbers.ts';
import { type RunSummary, summarise } from './run-summary.ts';

const readTogether = 32;

/** The ids of all runs, newest first. */
export const runIds = async (dir: string): Promise<readonly string[]> => {
  try {
    return (await readdir(stateRoot(dir))).filter(isRunId).sort().reverse();
  } catch (error) {
    if (isMissing(error)) return [];
    throw stateUnreadable(dir, error);
  }
};

/** The runs, newest first; reads no more of them than are taken. */
export const listRuns = async function* (dir: string): AsyncGenerator<RunSummary> {
  const ids = await runIds(dir);
  for (let i = 0; i < ids.length; i += readTogether) {
    const summaries = await Promise.all(ids.slice(i, i + readTogether).map((run) => readSummary(dir, run)));
    yield* summaries.filter((summary) => summary !== undefined);
  }
};

/**
 * Which run a person means: `last`, a number as `12` or `#12`, an id, or the beginning of one (with or without `run_`) that no other
 * run shares. Otherwise a Problem, RUN_UNKNOWN or RUN_AMBIGUOUS.
 */
export const resolveRun = async (dir: string, text: string): Promise<Parsed<string>> => {
  const ids = await runIds(dir);
  const newest = ids[0];
  if (newest === undefined)
    return refused({ code: 'RUN_UNKNOWN', message: 'There are no runs here yet.', hint: 'Start one with `cion run`.' });
  if (text === 'last') return parsed(newest);
  const number = /^#?(\d{1,9})$/.exec(text)?.[1];
  const numbered = number === undefined ? undefined : await runOfNumber(dir, Number(number));
  if (numbered !== undefined && ids.includes(numbered)) return parsed(numbered);
  const found = text === '' || text.startsWith('#') ? [] : ids.filter((id) => id.startsWith(text) || id.startsWith(`run_${text}`));
  const [only, second] = found;
  if (only !== undefined && (second === undefined || only === text)) return parsed(only);
  if (second !== undefined) {
    const hint = `Say more of its id: ${found.slice(0, 4).join(', ')}${found.length > 4 ? ', …' : ''}.`;
    return refused({ code: 'RUN_AMBIGUOUS', message: `The ids of ${found.length} runs begin with "${text}".`, hint });
  }
  const hint = didYouMean(text, ['last', ...ids]) ?? 'See `cion runs`.';
  return refused({ code: 'RUN_UNKNOWN', message: `There is no run "${text}".`, hint });
};

/** A finished run's summary is kept beside its journal, for as long as the journal does not grow. */
const readSummary = async (dir: string, run: string): Promise<RunSummary | undefined> => {
  const kept = join(runState(dir, run), 'summary.json');
  const size = await stat(join(runState(dir, run), 'events.jsonl')).then(
    (found) => found.size,
    () => 0,
  );
  const cached = await readCached(kept);
  if (cached?.journalBytes === size) return cached.summary;
  const events = await readJournal(dir, run);
  const summary = events && summarise(events);
  if (summary?.phase === 'finished') {
    await writeAtomically(kept, JSON.stringify({ journalBytes: size, summary }), `${kept}.${process.pid}`).catch(() => {});
  }
  return summary;
};

type Cached = { readonly journalBytes: number; readonly summary: RunSummary };

const readCached = async (path: string): Promise<Cached | undefined> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Cached;
  } catch {
    return undefined;
  }
};
