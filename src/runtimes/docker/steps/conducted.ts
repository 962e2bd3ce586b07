import type { Execution, Item, LogChunk, LogPosition, OnMark } from '../../runtime.ts';
import { RuntimeError } from '../../runtime-error.ts';
import type { Parts } from '../parts.ts';
import { type Answers, makeAnswers } from './answers.ts';
import { markScanner } from './mark-scanner.ts';
import { seize } from './seize.ts';
import { stepLog } from './step-log.ts';
import { stepMarkOf } from './step-report.ts';

export type Conducted = {
  logs(from: LogPosition, signal: AbortSignal, onMark: OnMark | undefined): AsyncGenerator<LogChunk>;
  /** Until the conductor says that there are none. */
  readonly mayHaveArtifacts: Execution['mayHaveStepArtifacts'];
  readonly interrupt: Execution['interrupt'];
  /** Asks the step that runs to end, and the conductor to go no further. */
  stop(): Promise<void>;
};

/** What is different about a container that runs steps. */
export const makeConducted = (given: {
  readonly parts: Parts;
  readonly item: Item;
  readonly container: { readonly id: string; readonly name: string; readonly title: string; readonly marks: string };
  /** What the container writes, marks and all, from its first byte. */
  readonly all: (signal: AbortSignal) => AsyncIterable<LogChunk>;
  /** What it has written up to now. */
  readonly soFar: (signal: AbortSignal) => Promise<AsyncIterable<LogChunk>>;
  /** Another process let it go: what it asked may be answered. */
  readonly isTakenOver: boolean;
}): Conducted => {
  const { parts, item, container, all, soFar, isTakenOver } = given;
  const { engine } = parts;
  const { id, title, marks } = container;
  let answers: Answers | undefined;
  let hasNoArtifacts = false;

  async function* logs(from: LogPosition, signal: AbortSignal, onMark: OnMark | undefined): AsyncGenerator<LogChunk> {
    const gone = new AbortController();
    const made = makeAnswers(parts, item, container, AbortSignal.any([signal, gone.signal]));
    answers = made;
    const answered = isTakenOver ? await endedSteps(await soFar(signal), marks) : 0;
    const rest = stepLog(marks, from, all(signal), {
      mark: async (words) => {
        if (words[1] === 'end') made.over();
        const mark = await stepMarkOf(words, engine, id, signal);
        if (mark !== undefined) await onMark?.(mark);
      },
      aside: async ([, what, number = '', about = '']) => {
        if (what === 'lacks')
          throw new RuntimeError('CONTAINER_START_FAILED', `the image of ${title} has no "${number}", which its steps need`);
        if (what === 'unmade') throw new RuntimeError('CONTAINER_START_FAILED', `the directories of ${title} cannot be made in its image`);
        if (what === 'empty') hasNoArtifacts = true;
        if (what === 'pause' && Number(number) > answered) made.asked(Number(number), about);
      },
    });
    try {
      for (;;) {
        const next = await Promise.race([rest.next(), made.failed]);
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      gone.abort();
    }
  }

  return {
    logs,
    mayHaveArtifacts: () => !hasNoArtifacts,
    interrupt: async () => {
      await seize(engine, id, 'interrupt');
      answers?.over();
    },
    stop: () => seize(engine, id, 'stop'),
  };
};

/** The number of the last step that has ended. */
const endedSteps = async (written: AsyncIterable<LogChunk>, marks: string): Promise<number> => {
  const scanner = markScanner(marks);
  let last = 0;
  for await (const { stream, bytes } of written) {
    if (stream === 'stderr') continue;
    for (const found of scanner.push(Buffer.from(bytes))) {
      if (found.kind === 'mark' && found.words[1] === 'end') last = Number(found.words[0]) / 2;
    }
  }
  return last;
};
