import { abortable } from '../../lib/abortable.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Step, Steps } from '../../plan/plan.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { Execution, Exit, Item, LogChunk, StepMark, StreamName, Values } from '../runtime.ts';

type Written = { readonly chunk: LogChunk } | { readonly mark: StepMark };

/** Does what the literal variables of each step say, one step after the other (see fake-runtime.ts). */
export const runSteps = (
  clock: Clock,
  item: Item,
  { steps, after }: Steps,
  values: Values,
  write: (path: string, content: string) => void,
): Pick<Execution, 'logs' | 'exit' | 'interrupt'> & { end(exit: Exit): void } => {
  const written: Written[] = [];
  let more = Promise.withResolvers<void>();
  let interrupt = (): void => {};
  const exit = Promise.withResolvers<Exit>();
  const over = new AbortController();

  const tell = (one: Written): void => {
    written.push(one);
    more.resolve();
    more = Promise.withResolvers();
  };
  const print = (stream: StreamName, text: string): void => {
    if (text !== '') tell({ chunk: { stream, bytes: Buffer.from(text) } });
  };

  /** Its code. */
  const run = async (step: Step): Promise<number> => {
    const said = told(item, step);
    tell({ mark: { mark: 'begin', step: step.id } });
    print('stdout', said('STDOUT') ?? '');
    if (said('PRINT_ENV') !== undefined) print('stdout', environmentText(values, step));
    print('stderr', said('STDERR') ?? '');
    const isWhole = await lasted(Number(said('SLEEP_MS') ?? 0));
    if (over.signal.aborted) return 0;
    for (const [path, content] of Object.entries(JSON.parse(said('WRITE') ?? '{}') as Record<string, string>)) write(path, content);
    const [message, numbers] = [said('MESSAGE'), said('NUMBERS')];
    const isCommitted = item.stage.commit?.steps === true;
    const code = isWhole ? codeOf(said('EXIT') ?? '0', item.attempt) : 137;
    tell({
      mark: {
        mark: 'end',
        step: step.id,
        code,
        ...(message === undefined ? {} : { message }),
        ...(numbers === undefined ? {} : { numbers: JSON.parse(numbers) as Record<string, string> }),
        ...(isCommitted ? { image: { reference: `fake-step:${step.id}`, digest: `sha256:${step.id}` } } : {}),
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
    let ending = 0;
    for (const step of after) if (ending === 0 && !over.signal.aborted) ending = await run(step);
    end({ code, oom: false });
  };
  void runAll();

  return {
    async *logs(from, signal, onMark): AsyncGenerator<LogChunk> {
      const seen = { stdout: 0, stderr: 0 };
      for (let at = 0; ; ) {
        signal.throwIfAborted();
        const one = written[at];
        if (one === undefined) {
          if (over.signal.aborted) break;
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
      if (seen.stdout < from.stdout || seen.stderr < from.stderr)
        throw new RuntimeError('LOG_GAP', 'there is less log than was read before');
    },
    exit: exit.promise,
    interrupt: async () => interrupt(),
    end,
  };
};

/** `FAKE_STEP_EXIT_<id>` of the stage's environment says the same as `FAKE_EXIT` of the step's own variables. */
const told = ({ stage }: Item, step: Step): ((what: string) => string | undefined) => {
  const own = new Map(step.variables.map(({ name, value }) => [name, value]));
  return (what) => {
    const value = stage.env[`FAKE_STEP_${what}_${step.id}`] ?? own.get(`FAKE_${what}`);
    return value?.kind === 'literal' ? value.value : undefined;
  };
};

const codeOf = (codes: string, attempt: number): number => {
  const all = codes.split(',');
  return Number(all[attempt - 1] ?? all.at(-1));
};

const environmentText = (values: Values, { id }: Step): string => {
  const { variables = [], steps = [], after = [] } = values.steps ?? {};
  const own = [...steps, ...after].find((step) => step.id === id)?.variables ?? [];
  return [...variables, ...own]
    .filter(({ name }) => !name.startsWith('FAKE_'))
    .map(({ name, value }) => `${name}=${value.kind === 'literal' ? value.value : value.kind === 'expanded' ? value.text : ''}\n`)
    .join('');
};
