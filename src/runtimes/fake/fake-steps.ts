import { abortable } from '../../lib/abortable.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Step, Steps } from '../../plan/plan.ts';
import type { Execution, Exit, LogChunk, StepMark, StreamName, Values } from '../runtime.ts';

type Told = { readonly chunk: LogChunk } | { readonly mark: StepMark };

/** Does what the literal variables of each step say, one step after the other (see fake-runtime.ts). */
export const runSteps = (
  clock: Clock,
  { steps, after }: Steps,
  values: Values,
  write: (path: string, content: string) => void,
): Pick<Execution, 'logs' | 'exit' | 'interrupt'> & { end(exit: Exit): void } => {
  const told: Told[] = [];
  let more = Promise.withResolvers<void>();
  let interrupt = (): void => {};
  const exit = Promise.withResolvers<Exit>();
  const over = new AbortController();

  const tell = (one: Told): void => {
    told.push(one);
    more.resolve();
    more = Promise.withResolvers();
  };
  const print = (stream: StreamName, text: string): void => {
    if (text !== '') tell({ chunk: { stream, bytes: Buffer.from(text) } });
  };

  /** Its code. */
  const run = async (step: Step): Promise<number> => {
    const said = programOf(step);
    tell({ mark: { mark: 'begin', step: step.id } });
    print('stdout', said.FAKE_STDOUT ?? '');
    if (said.FAKE_PRINT_ENV !== undefined) print('stdout', environmentText(values, step));
    print('stderr', said.FAKE_STDERR ?? '');
    const isWhole = await lasted(Number(said.FAKE_SLEEP_MS ?? 0));
    if (over.signal.aborted) return 0;
    for (const [path, content] of Object.entries(JSON.parse(said.FAKE_WRITE ?? '{}') as Record<string, string>)) write(path, content);
    const code = isWhole ? Number(said.FAKE_EXIT ?? 0) : 137;
    tell({
      mark: {
        mark: 'end',
        step: step.id,
        code,
        ...(said.FAKE_MESSAGE === undefined ? {} : { message: said.FAKE_MESSAGE }),
        ...(said.FAKE_NUMBERS === undefined ? {} : { numbers: JSON.parse(said.FAKE_NUMBERS) as Record<string, string> }),
      },
    });
    return code;
  };

  /** Whether nobody interrupted. */
  const lasted = (ms: number): Promise<boolean> => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    if (ms === 0) return Promise.resolve(true);
    const cancel = clock.after(ms, () => resolve(true));
    interrupt = () => resolve(false);
    return promise.finally(cancel);
  };

  const end = (result: Exit): void => {
    if (over.signal.aborted) return;
    over.abort();
    interrupt();
    more.resolve();
    exit.resolve(result);
  };

  const runAll = async (): Promise<void> => {
    let code = 0;
    for (const step of steps) if (code === 0 && !over.signal.aborted) code = await run(step);
    for (const step of after) if (!over.signal.aborted) await run(step);
    end({ code, oom: false });
  };
  void runAll();

  return {
    async *logs(from, signal, onMark): AsyncGenerator<LogChunk> {
      const seen = { stdout: 0, stderr: 0 };
      for (let at = 0; ; ) {
        signal.throwIfAborted();
        const one = told[at];
        if (one === undefined) {
          if (over.signal.aborted) return;
          await abortable(more.promise, signal);
          continue;
        }
        at++;
        if ('mark' in one) {
          if (seen.stdout >= from.stdout && seen.stderr >= from.stderr) await onMark?.(one.mark);
          continue;
        }
        const { stream, bytes } = one.chunk;
        const skip = Math.min(Math.max(0, from[stream] - seen[stream]), bytes.byteLength);
        seen[stream] += bytes.byteLength;
        if (skip < bytes.byteLength) yield { stream, bytes: bytes.subarray(skip) };
      }
    },
    exit: exit.promise,
    interrupt: async () => interrupt(),
    end,
  };
};

const programOf = (step: Step): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(step.variables.flatMap(({ name, value }) => (value.kind === 'literal' ? [[name, value.value] as const] : [])));

const environmentText = ({ steps }: Values, { id }: Step): string =>
  [...(steps?.variables ?? []), ...(steps?.of[id] ?? [])]
    .filter(({ name }) => !name.startsWith('FAKE_'))
    .map(({ name, value }) => `${name}=${value}\n`)
    .join('');
