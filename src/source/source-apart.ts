import { fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Source } from '../run/run-event.ts';
import type { FetchedCommit } from './fetch-commit.ts';
import { SourceError, type SourceErrorCode } from './source-error.ts';
import type { FromSourceProcess, SourceAnswer, SourceQuestion, SourceWork, ToSourceProcess } from './source-work.ts';

/**
 * The same in a small process: a program starts faster from it than from a server, for what a process has in its memory is mapped anew for
 * each program that it starts (docs/adr/0084-git-in-a-process-of-its-own.md). Where it ends by itself it is started anew, and what it worked
 * on is done once more.
 */
export const sourceApart = (): SourceWork & { close(): Promise<void> } => {
  let current = start();
  const ask = async (question: SourceQuestion, signal: AbortSignal, log: Log): Promise<unknown> => {
    for (let ends = 0; ends < 2; ends++) {
      if (current.isOver()) current = start();
      const answer = await current.ask(question, signal, log);
      if (answer.kind === 'done') return answer.value;
      signal.throwIfAborted();
      if (answer.kind === 'failed') throw errorOf(answer);
    }
    throw new SourceError('SOURCE_GIT_FAILED', 'The process that runs git for this server ended twice at it.');
  };
  return {
    fetchCommit: ({ signal, ...request }) => ask({ name: 'fetchCommit', request }, signal, () => {}) as Promise<FetchedCommit>,
    hasRef: ({ signal, ...request }) => ask({ name: 'hasRef', request }, signal, () => {}) as Promise<boolean>,
    snapshotOfMirror: ({ signal, log, ...request }) => ask({ name: 'snapshotOfMirror', request }, signal, log) as Promise<Source>,
    close: () => current.end(),
  };
};

type Log = (line: string) => void;
type Answer = SourceAnswer | { readonly kind: 'ended' };

const start = () => {
  const child = fork(fileURLToPath(new URL(`./source-process${extname(import.meta.url)}`, import.meta.url)), {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const pending = new Map<number, { readonly answer: (answer: Answer) => void; readonly log: Log }>();
  let last = 0;
  let isOver = false;
  const over = (): void => {
    isOver = true;
    for (const { answer } of pending.values()) answer({ kind: 'ended' });
    pending.clear();
  };
  child.on('error', over);
  child.on('exit', over);
  child.on('message', (told: FromSourceProcess) => {
    const asked = pending.get(told.id);
    if (told.kind === 'log') return asked?.log(told.line);
    pending.delete(told.id);
    asked?.answer(told);
  });
  const tell = (told: ToSourceProcess): void => {
    child.send(told, () => {});
  };
  return {
    isOver: (): boolean => isOver || !child.connected,
    /** Answers, too, when the signal has aborted and nothing is under way any more. */
    ask: async (question: SourceQuestion, signal: AbortSignal, log: Log): Promise<Answer> => {
      signal.throwIfAborted();
      const id = ++last;
      const { promise, resolve: answer } = Promise.withResolvers<Answer>();
      pending.set(id, { answer, log });
      const stop = (): void => tell({ kind: 'stop', id });
      signal.addEventListener('abort', stop, { once: true });
      tell({ kind: 'question', id, question });
      try {
        return await promise;
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
    /** With all that it works on. */
    end: async (): Promise<void> => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      if (child.connected) child.disconnect();
      await exited;
    },
  };
};

const errorOf = ({ code, message }: SourceAnswer & { readonly kind: 'failed' }): Error =>
  code === undefined ? new Error(message) : new SourceError(code as SourceErrorCode, message);
