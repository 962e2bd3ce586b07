import { followJournal } from '../../local/journal.ts';
import { ownerOf } from '../../local/lock.ts';
import { stageOfLog } from '../../plan/stage.ts';
import type { RunState } from '../../run/run-state.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { listenForInterrupts } from '../interrupts.ts';
import { looks } from '../looks.ts';
import { skipSentence } from '../printers/sentences.ts';
import { visible } from '../printers/visible.ts';
import { Refusal } from '../refusal.ts';
import { partOfStep } from '../log-part.ts';
import type { LogsPlace } from '../logs-place.ts';
import { isRemote, openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { logsOn } from '../remote/logs-on.ts';
import { findRunAndStage, logNames } from '../run-and-stage.ts';
import { localRuns } from '../run-place.ts';
import { write, writeAside } from '../write.ts';
import { openProject } from './open-project.ts';

export type LogsOptions = RemoteOptions & { readonly follow?: true; readonly attempt?: number; readonly step?: string };

const logsHere = async (context: Context): Promise<LogsPlace> => {
  const project = await openProject(context);
  return {
    runs: localRuns(project),
    isLive: async ({ run }) => (await ownerOf(project.stateDir, run)) !== undefined,
    log: ({ run }, key, how) => project.results.readLog({ run, ...key }, { from: 0, ...how }),
    events: ({ run }, signal) => followJournal(project.stateDir, run, { signal }),
  };
};

/** The exact bytes of each stream to the stream of the same name (R-CIO-15, R-CIO-52). */
export const logs = async (
  context: Context,
  first: string | undefined,
  second: string | undefined,
  { follow, attempt, step, ...options }: LogsOptions,
): Promise<ExitCode> => {
  const place = isRemote(options) ? logsOn(await openRemoteProject(context, options)) : await logsHere(context);
  const { state, stage: named } = await findRunAndStage(place.runs, first, second, logNames);
  const stage = named ?? (step === undefined ? undefined : onlyStage(state));
  const follows = follow === true && (await place.isLive(state));
  if (stage !== undefined && !follows) explainNoLog(state, stage, attempt);
  const part = step === undefined ? undefined : partOfStep(state, stage, attempt, step);
  const interrupts = listenForInterrupts(() => undefined);
  try {
    const names = stage === undefined ? stagesWithLogs(state, follows) : [stage];
    const heading = stage === undefined && context.stdout.isTTY && context.stderr.isTTY ? headings(context) : undefined;
    for (const name of names) {
      const end = follows ? endOfWaiting(place, state, keyOf(state, name).stage, interrupts.cancel) : undefined;
      const signal = end?.signal ?? interrupts.cancel;
      const key = { ...keyOf(state, name), ...(attempt === undefined ? {} : { attempt }) };
      for await (const { stream, bytes } of place.log(state, key, { follow: follows, signal })) {
        const shown = part === undefined ? bytes : part.of(stream, bytes);
        if (shown.byteLength === 0) continue;
        await heading?.(name, shown);
        await write(stream === 'stdout' ? context.stdout : context.stderr, shown);
      }
      end?.stop();
      if (interrupts.cancel.aborted) return exitCodes.cancelled;
    }
    return exitCodes.passed;
  } finally {
    interrupts.stop();
  }
};

const onlyStage = ({ nodes }: RunState): string | undefined => {
  const [only, ...others] = [...nodes.values()].flatMap((node) => (node.kind === 'stage' ? [node.name] : []));
  return others.length === 0 ? only : undefined;
};

/** Tells apart on a terminal what stages wrote, on stderr: a line above the first bytes of each. */
const headings = (context: Context) => {
  const { palette, glyphs } = looks(context);
  const rule = (glyphs.lines[right + left] ?? '').repeat(2);
  let said: string | undefined;
  let endsLine = true;
  return async (name: string, bytes: Uint8Array): Promise<void> => {
    if (name !== said) await writeAside(context.stderr, `${endsLine ? '' : '\n'}${palette.quiet(`${rule} ${visible(name)}`)}\n`);
    said = name;
    endsLine = bytes.at(-1) === newline;
  };
};

const newline = 10;
/** Of the glyphs for lines. */
const [right, left] = [2, 8];

const stagesWithLogs = (state: RunState, follows: boolean): readonly string[] =>
  logNames(state).filter((name) => {
    const node = state.nodes.get(keyOf(state, name).stage);
    return node?.kind === 'stage' && (follows || node.attempts.length > 0);
  });

/** `build`, or the `done` of it as `build.done`. */
const keyOf = (state: RunState, name: string): { readonly stage: string; readonly part?: 'done' } =>
  name === 'fetch' || state.nodes.has(name) ? { stage: name } : { stage: stageOfLog(name), part: 'done' };

const explainNoLog = (state: RunState, name: string, attempt: number | undefined): void => {
  if (name === 'fetch') return;
  const { stage, part } = keyOf(state, name);
  const node = state.nodes.get(stage);
  if (node?.kind !== 'stage') return;
  const planned = state.plan?.nodes.find(({ name }) => name === stage);
  if (planned?.kind === 'stage' && planned.sensitive) throw new Refusal('NO_LOG', `"${stage}" is sensitive: no log of it is kept.`);
  if (node.skip !== undefined) throw new Refusal('NO_LOG', `"${stage}" was not run, because ${skipSentence(node.skip)}.`);
  if (node.attempts.length === 0)
    throw new Refusal('NO_LOG', `"${stage}" has not been run yet.`, `cion logs ${state.number} ${stage} -f waits for it.`);
  if (attempt !== undefined && attempt > node.attempts.length) {
    throw new Refusal('NO_LOG', `"${stage}" has no attempt ${attempt}.`, `The newest is attempt ${node.attempts.length}.`);
  }
  const shown = node.attempts[(attempt ?? node.attempts.length) - 1];
  if (part !== undefined && shown?.done === undefined) throw new Refusal('NO_LOG', `"${stage}" did not come to its "${part}".`);
};

/** Aborts when the stage will never have a log: it was skipped, or the run has ended without it. */
const endOfWaiting = (
  place: LogsPlace,
  state: RunState,
  stage: string,
  cancel: AbortSignal,
): { readonly signal: AbortSignal; stop(): void } => {
  const never = new AbortController();
  const watching = new AbortController();
  const watch = async (): Promise<void> => {
    let begun = stage === 'fetch';
    for await (const event of place.events(state, AbortSignal.any([cancel, watching.signal]))) {
      if (event.kind === 'stage.queued' && event.stage === stage) begun = true;
      if ((event.kind === 'stage.skipped' && event.stage === stage) || (event.kind === 'run.finished' && !begun)) never.abort();
    }
  };
  watch().catch(() => never.abort());
  return { signal: AbortSignal.any([cancel, never.signal]), stop: () => watching.abort() };
};
