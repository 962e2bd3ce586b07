import type { Clock } from '../../lib/clock.ts';
import type { Step } from '../../plan/plan.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { Exit, Item, LogChunk, LogPosition, OnMark, StepMark } from '../runtime.ts';

/** A container of the fake that runs steps. */
export type FakeSteps = {
  logs(from: LogPosition, signal: AbortSignal, onMark: OnMark | undefined): AsyncGenerator<LogChunk>;
  interrupt(): void;
  /** Ends all of it. */
  end(exit: Exit): void;
};

type Written = LogChunk | StepMark;

/** Steps do what the stage's literal variables say, by their ids; see fake-runtime.ts. `ended` is called once. */
export const fakeSteps = (clock: Clock, item: Item, ended: (exit: Exit) => void): FakeSteps => {
  const { command, env } = item.stage;
  const written: Written[] = [];
  let isOver = false;
  let more = Promise.withResolvers<void>();
  let stopSleep = (): void => {};
  let wake = (_code?: number): void => {};

  const say = (...some: readonly Written[]): void => {
    if (isOver) return;
    written.push(...some);
    more.resolve();
    more = Promise.withResolvers();
  };

  const text = (name: string, step: Step): string | undefined => {
    const value = env[`FAKE_STEP_${name}_${step.id}`];
    return value?.kind === 'literal' ? value.value : undefined;
  };

  const codeOf = (step: Step): number => {
    const codes = (text('EXIT', step) ?? '0').split(',');
    return Number(codes[item.attempt - 1] ?? codes.at(-1));
  };

  const output = (stream: 'stdout' | 'stderr', step: Step): readonly LogChunk[] => {
    const said = text(stream.toUpperCase(), step);
    return said === undefined || said === '' ? [] : [{ stream, bytes: Buffer.from(said) }];
  };

  const finish = (step: Step, code: number, next: (code: number) => void): void => {
    const message = text('MESSAGE', step);
    const numbers = text('NUMBERS', step);
    const image = item.stage.commit?.steps === true ? { reference: `fake-step:${step.id}`, digest: `sha256:${step.id}` } : undefined;
    say({
      mark: 'end',
      step: step.id,
      code,
      ...(message === undefined ? {} : { message }),
      ...(numbers === undefined ? {} : { numbers: JSON.parse(numbers) as Record<string, string> }),
      ...(image === undefined ? {} : { image }),
    });
    next(code);
  };

  const run = (step: Step, next: (code: number) => void): void => {
    say({ mark: 'begin', step: step.id }, ...output('stdout', step), ...output('stderr', step));
    const ms = Number(text('SLEEP_MS', step) ?? 0);
    if (ms === 0) return finish(step, codeOf(step), next);
    wake = (code = codeOf(step)) => {
      stopSleep();
      wake = () => {};
      finish(step, code, next);
    };
    stopSleep = clock.after(ms, () => wake());
  };

  const runAll = (steps: readonly Step[], then: (code: number) => void): void => {
    const [first, ...rest] = steps;
    if (first === undefined || isOver) return then(0);
    run(first, (code) => (code === 0 ? runAll(rest, then) : then(code)));
  };

  const end = (exit: Exit): void => {
    if (isOver) return;
    isOver = true;
    stopSleep();
    more.resolve();
    ended(exit);
  };

  if (command.kind === 'steps') runAll(command.steps, (code) => runAll(command.after, () => end({ code, oom: false })));

  async function* logs(from: LogPosition, signal: AbortSignal, onMark: OnMark | undefined): AsyncGenerator<LogChunk> {
    const position = { stdout: 0, stderr: 0 };
    for (let at = 0; ; ) {
      signal.throwIfAborted();
      const next = written[at];
      if (next === undefined) {
        if (isOver) break;
        await waited(more.promise, signal);
        continue;
      }
      at += 1;
      if ('mark' in next) {
        if (from.stdout <= position.stdout && from.stderr <= position.stderr) await onMark?.(next);
        continue;
      }
      const { stream, bytes } = next;
      const skip = Math.min(Math.max(0, from[stream] - position[stream]), bytes.length);
      position[stream] += bytes.length;
      if (skip < bytes.length) yield { stream, bytes: bytes.subarray(skip) };
    }
    if (from.stdout > position.stdout || from.stderr > position.stderr)
      throw new RuntimeError('LOG_GAP', 'there is less log than was read before');
  }

  return { logs, interrupt: () => wake(137), end };
};

const waited = async (promise: Promise<void>, signal: AbortSignal): Promise<void> => {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  await Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
};
