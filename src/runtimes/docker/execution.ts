import { abortable } from '../../lib/abortable.ts';
import type { Execution, Item, LogChunk, LogPosition, StreamName } from '../runtime.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { ProcessList } from './api.ts';
import { EngineError } from './engine/engine-error.ts';
import { asRuntimeError, isRefusal } from './failures.ts';
import { keptLog } from './kept-log.ts';
import type { Watch } from './exits.ts';
import type { Parts } from './parts.ts';
import { makeConducted } from './steps/conducted.ts';
import { takeDirectory } from './take.ts';
import type { Tap } from './tap.ts';

/** A container whose command was let go; `tap` where this process did it. */
export const makeExecution = (
  parts: Parts,
  item: Item,
  container: {
    readonly id: string;
    readonly name: string;
    readonly title: string;
    readonly stopSignal: string;
    readonly live: boolean;
    /** What the marks of its conductor are known by, where it has one. */
    readonly marks: string | undefined;
  },
  { exit, outlivedEngine }: Watch,
  tap?: Tap,
): Execution => {
  const { engine, clock, commits } = parts;
  const { id, name, title, live, marks } = container;
  let cancelKill = (): void => {};
  let hasEnded = false;
  const ended = exit.then(
    () => {},
    () => {},
  );
  void ended.then(() => {
    hasEnded = true;
    cancelKill();
  });

  const kill = async (signal: string): Promise<void> => {
    if (hasEnded) return;
    try {
      await engine.json('POST', `/containers/${id}/kill`, { query: { signal } });
    } catch (error) {
      if (isRefusal(error, 404) || isRefusal(error, 409)) return;
      throw asRuntimeError(error, `${title} cannot be stopped`);
    }
  };

  const read = async (follow: boolean, from: LogPosition, signal: AbortSignal): Promise<AsyncGenerator<LogChunk>> => {
    const query = { follow, stdout: true, stderr: true };
    return keptLog(await engine.stream('GET', `/containers/${id}/logs`, { query, signal }), from, !follow);
  };

  /** An engine that is followed may leave out what came last before the end; what it tells after the end is whole. */
  async function* kept(from: LogPosition, signal: AbortSignal): AsyncGenerator<LogChunk> {
    const position = { ...from };
    if (!hasEnded) {
      for await (const chunk of await read(true, from, signal)) {
        position[chunk.stream] += chunk.bytes.length;
        yield chunk;
      }
      await abortable(ended, signal);
    }
    yield* await read(false, position, signal);
  }

  /**
   * The connection may have been cut while the command goes on; or the engine still writes its log after the command has ended. A live log is
   * nowhere else, so there it is asked at once: before the command can have ended too.
   */
  const hasReallyEnded = async (signal: AbortSignal): Promise<boolean> => {
    if (!live) {
      const patience = Promise.withResolvers<void>();
      const cancel = clock.after(eventIsDueMs, patience.resolve);
      await abortable(Promise.race([ended, patience.promise]), signal).finally(cancel);
    }
    if (!hasEnded && (await hasProcesses(signal))) return false;
    await abortable(ended, signal);
    return true;
  };

  const hasProcesses = async (signal: AbortSignal): Promise<boolean> => {
    try {
      const { Processes } = await engine.json<ProcessList>('GET', `/containers/${id}/top`, { signal });
      return (Processes ?? []).length > 0;
    } catch (error) {
      if (error instanceof EngineError && error.code === 'refused') return false;
      throw error;
    }
  };

  async function* logs(from: LogPosition, signal: AbortSignal): AsyncGenerator<LogChunk> {
    const seen: Record<StreamName, number> = { stdout: 0, stderr: 0 };
    const output = tap?.read();
    let broke = false;
    if (output !== undefined) {
      try {
        for (;;) {
          const next = await abortable(output.next(), signal);
          if (next.done === true) break;
          const { stream, bytes } = next.value;
          const skip = Math.min(Math.max(0, from[stream] - seen[stream]), bytes.length);
          seen[stream] += bytes.length;
          if (skip < bytes.length) yield skip === 0 ? next.value : { stream, bytes: bytes.subarray(skip) };
        }
      } catch (error) {
        signal.throwIfAborted();
        if (!(asRuntimeError(error, title) instanceof RuntimeError)) throw error;
        broke = true;
      } finally {
        tap?.cut();
      }
      if (!broke && (await hasReallyEnded(signal)) && !outlivedEngine()) return;
    }
    if (live) throw lostLog(title, tap === undefined);
    const rest = { stdout: Math.max(from.stdout, seen.stdout), stderr: Math.max(from.stderr, seen.stderr) };
    yield* kept(rest, signal);
    if (outlivedEngine()) throw interruptedLog(title, (await exit).code);
  }

  const conducted =
    marks === undefined
      ? undefined
      : makeConducted({
          parts,
          item,
          container: { id, name, title, marks },
          all: (signal) => logs(fromTheBeginning, signal),
          soFar: (signal) => read(false, fromTheBeginning, signal),
          isTakenOver: tap === undefined,
        });

  return {
    container: name,
    async *logs(from, signal, onMark) {
      try {
        yield* conducted === undefined ? logs(from, signal) : conducted.logs(from, signal, onMark);
      } catch (error) {
        signal.throwIfAborted();
        if (isRefusal(error, 404))
          throw new RuntimeError('CONTAINER_GONE', `the container of ${title} was removed while its log was read`, { cause: error });
        throw asRuntimeError(error, `the log of ${title} cannot be read`);
      }
    },
    exit,
    stop: async (graceMs) => {
      cancelKill();
      if (graceMs <= 0) return kill('SIGKILL');
      if (hasEnded) return;
      if (conducted === undefined) await kill(container.stopSignal);
      else await conducted.stop().catch(() => kill('SIGKILL'));
      if (!hasEnded) cancelKill = clock.after(graceMs, () => void kill('SIGKILL').catch(() => {}));
    },
    interrupt: async () => {
      if (conducted === undefined) throw new RuntimeError('UNSUPPORTED', `${title} has no steps that could be interrupted`);
      if (hasEnded) return;
      try {
        await conducted.interrupt();
      } catch (error) {
        if (isRefusal(error, 404) || isRefusal(error, 409)) return;
        throw asRuntimeError(error, `the step of ${title} cannot be interrupted`);
      }
    },
    take: async (path, signal) => {
      try {
        return await takeDirectory(engine, id, path, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (isRefusal(error, 404)) throw new RuntimeError('CONTAINER_GONE', `the container of ${title} was removed`, { cause: error });
        throw asRuntimeError(error, `${path} cannot be taken out of the container of ${title}`);
      }
    },
    mayHaveStepArtifacts: () => conducted?.mayHaveArtifacts() ?? false,
    commit: async (names, signal, push) => {
      try {
        return await commits(item, id, names, signal, undefined, push);
      } catch (error) {
        signal.throwIfAborted();
        throw asRuntimeError(error, `the container of ${title} cannot be made an image`);
      }
    },
  };
};

const lostLog = (title: string, died: boolean): RuntimeError => {
  const why = died ? 'cion died while it ran' : 'the connection to the engine broke while it ran';
  return new RuntimeError('LOG_GAP', `the log of ${title} is live and was not kept: ${why}, so what it wrote since is lost`);
};

/** What an engine had in its hands when it ended is in no log, nor is what came while it was away if the command ended before it was back. */
const interruptedLog = (title: string, code: number): RuntimeError =>
  new RuntimeError(
    'LOG_GAP',
    `the engine was restarted while it ran, which loses a part of what ${title} wrote just then; its command has ended with exit code ${code}`,
  );

const eventIsDueMs = 200;

const fromTheBeginning: LogPosition = { stdout: 0, stderr: 0 };
