import { assertNever } from '../../lib/assert-never.ts';
import type { Gate, GateReason } from '../../plan/plan.ts';
import type { Cause, Outcome, SkipCause } from '../../run/outcome.ts';
import type { Decision, Source, Trigger } from '../../run/run-event.ts';
import type { ApprovalState, RunState } from '../../run/run-state.ts';
import { cut } from './fit.ts';
import { approveCommand, approveRunCommand, type Reach } from './suggestions.ts';
import { visible } from './visible.ts';
import { dateTime, list, sentence, shortCommit } from './words.ts';
import { limit, plural } from '../../lib/quantities.ts';

/** Why a stage that ran did not pass: a sentence without its full stop. */
export const causeSentence = (cause: Cause): string => {
  const message = visible(cause.step?.message?.trim() ?? '');
  return `${reasonSentence(cause)}${message === '' ? '' : `: ${message}`}`;
};

const reasonSentence = (cause: Cause): string => {
  switch (cause.kind) {
    case 'exit':
      return `${subject(cause)} ended with exit code ${cause.code}${exitHint(cause.code)}`;
    case 'signal':
      return `${subject(cause)} was ended by ${visible(cause.signal)}`;
    case 'oom':
      return `${subject(cause)} needed more memory than it may have and was killed`;
    case 'timeout':
      return cause.limit === 'total'
        ? `${subject(cause)} took longer than ${limit(cause.ms)} and was stopped`
        : `${subject(cause)} wrote nothing for ${limit(cause.ms)} and was stopped`;
    case 'error':
      return `${sentence(withoutStop(visible(cause.message)))} (${visible(cause.code)})`;
    case 'cancelled':
      return 'It was cancelled';
    default:
      return assertNever(cause);
  }
};

const subject = ({ part, step }: Cause): string => {
  if (step !== undefined) return `Step "${visible(step.name)}"`;
  return part === 'done' ? 'Its "done"' : 'The command';
};

/** Why a node was never run: the end of "Skipped, because …". */
export const skipSentence = (cause: SkipCause): string => {
  switch (cause.kind) {
    case 'need':
      return `${visible(cause.node)} ${outcomeVerb(cause.outcome)}`;
    case 'condition':
      return `it is for when ${visible(cause.node)} ends otherwise, but that ${outcomeVerb(cause.outcome)}`;
    case 'cancelled':
      return 'the run was cancelled';
    case 'stopped':
      return `the run stopped at ${visible(cause.node)}`;
    case 'not-selected':
      return 'it was not selected';
    default:
      return assertNever(cause);
  }
};

/** `build failed`, `build was skipped`. */
export const outcomeVerb = (outcome: Outcome): string => {
  switch (outcome) {
    case 'passed':
    case 'failed':
    case 'errored':
      return outcome;
    case 'cancelled':
    case 'skipped':
      return `was ${outcome}`;
    default:
      return assertNever(outcome);
  }
};

/** What an outcome means, for those who see the word for the first time. */
export const outcomeSentence = (outcome: Outcome): string => {
  switch (outcome) {
    case 'passed':
      return 'Everything that had to run passed';
    case 'failed':
      return "A command of the project's own said no, or a gate was not approved";
    case 'errored':
      return 'It could not be run: the trouble is with cion or the platform, not with the project';
    case 'cancelled':
      return 'Somebody cancelled it';
    case 'skipped':
      return 'There was nothing to run';
    default:
      return assertNever(outcome);
  }
};

/** What a gate waits for: the end of "Waits for …". */
export const gateSentence = (reason: GateReason): string => {
  switch (reason.kind) {
    case 'person':
      return reason.who.length === 0
        ? 'somebody to approve it'
        : `${list(
            reason.who.map((who) => visible(who)),
            'or',
          )} to approve it`;
    case 'pipeline':
      return `pipeline ${visible(reason.pipeline)} to pass`;
    default:
      return assertNever(reason);
  }
};

/** The same of an open gate of a run, with how to answer. */
export const openGateWords = ({ name, waitsFor }: Gate, run: number, look: Reach = {}): string =>
  `${gateSentence(waitsFor)}${waitsFor.kind === 'person' ? ` (${approveCommand(run, name, look)})` : ''}`;

/** What a run of a fork's commit waits for before it begins: the end of "Waits for …". */
export const approvalWords = (
  { commit, until }: Pick<ApprovalState, 'commit' | 'until'>,
  { number }: Pick<RunState, 'number'>,
  look: Reach = {},
): string =>
  `somebody to approve ${visible(shortCommit(commit))}, which comes from a fork, until ${dateTime(until)} (${approveRunCommand(number, look)})`;

/** What a run waits at while nothing of it runs. */
export const waitingWords = ([first = '', ...more]: readonly string[]): string =>
  `waiting for ${visible(first)}${more.length === 0 ? '' : ` and ${more.length} more`}`;

export const decisionSentence = (decision: Decision): string => {
  switch (decision.kind) {
    case 'approved':
      return `Approved by ${visible(decision.by)}${reasonWords(decision)}`;
    case 'rejected':
      return `Rejected by ${visible(decision.by)}${reasonWords(decision)}`;
    case 'expired':
      return 'Nobody decided in time';
    default:
      return assertNever(decision.kind);
  }
};

const reasonWords = ({ reason }: Decision): string => (reason === undefined ? '' : ` ("${visible(reason)}")`);

export const triggerSentence = (trigger: Trigger): string => {
  switch (trigger.kind) {
    case 'manual':
      return `Started by ${visible(trigger.by)}${trigger.from === undefined ? '' : ` from ${trigger.fromNumber === undefined ? visible(trigger.from) : `run ${trigger.fromNumber}`}`}`;
    case 'push':
      return `Pushed to ${visible(shortRef(trigger.ref))} by ${visible(trigger.by)}`;
    case 'tag':
      return `Tagged ${visible(shortRef(trigger.ref))} by ${visible(trigger.by)}`;
    case 'pull-request':
      return `Pull request ${trigger.number}${trigger.fork ? ' from a fork' : ''} by ${visible(trigger.by)}`;
    case 'schedule':
      return `Started by the schedule ${visible(trigger.schedule)}`;
    case 'package':
      return `${visible(trigger.package)} went from ${visible(trigger.oldVersion)} to ${visible(trigger.newVersion)}`;
    case 'pipeline':
      return `Started by ${visible(trigger.pipeline)}, which passed in ${visible(trigger.run)}`;
    default:
      return assertNever(trigger);
  }
};

const shortRef = (ref: string): string => ref.replace(/^refs\/(heads|tags)\//, '');

/** `abc1234 on main + 2 changed files`, `14 files that are in no git repository`. */
export const sourceSentence = (source: Source): string => {
  if (source.commit === undefined) return `${plural(source.files, 'file')} without a commit`;
  const branch = source.branch === undefined ? '' : ` on ${visible(source.branch)}`;
  return `${commitWords(source.commit, source.changedFiles)}${branch}`;
};

/** The first line of a commit: some 200 columns of it are enough. */
export const subjectWords = (subject: string): string => cut(visible(subject), subjectColumns, '...');

const subjectColumns = 200;

export const commitWords = (commit: string, changedFiles: number): string =>
  `${visible(shortCommit(commit))}${changedFiles === 0 ? '' : ` + ${plural(changedFiles, 'changed file')}`}`;

const exitHint = (code: number): string => {
  if (code === 126) return ' (found, but it cannot be executed)';
  if (code === 127) return ' (command not found)';
  const signal = signals.get(code - 128);
  return signal === undefined ? '' : ` (ended by ${signal})`;
};

const signals: ReadonlyMap<number, string> = new Map([
  [1, 'SIGHUP'],
  [2, 'SIGINT'],
  [3, 'SIGQUIT'],
  [4, 'SIGILL'],
  [6, 'SIGABRT'],
  [7, 'SIGBUS'],
  [8, 'SIGFPE'],
  [9, 'SIGKILL'],
  [11, 'SIGSEGV'],
  [13, 'SIGPIPE'],
  [15, 'SIGTERM'],
]);

const withoutStop = (text: string): string => text.replace(/[.\s]+$/, '');
