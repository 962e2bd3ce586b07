import type { StepMark } from '../../runtime.ts';
import { textOf } from '../container-file.ts';
import type { Engine } from '../engine/engine.ts';
import { stateDirectory } from './conductor.ts';

/** A mark with all that the conductor kept of its step: `<number> begin <id>`, `<number> end <id> <code> <-[m][n]> [<image> <digest>]`. */
export const stepMarkOf = async (
  words: readonly string[],
  engine: Engine,
  container: string,
  signal: AbortSignal,
): Promise<StepMark | undefined> => {
  const [number = '', kind, step = '', code = '', has = '', reference, digest] = words;
  if (kind === 'begin') return { mark: 'begin', step };
  if (kind !== 'end') return undefined;
  const kept = (name: string): Promise<string | undefined> =>
    textOf(engine, container, `${stateDirectory}/${Number(number) / 2}.${name}`, signal, mostBytes);
  const message = has.includes('m') ? (await kept('message'))?.trim() : undefined;
  const numbers = has.includes('n') ? await kept('numbers') : undefined;
  return {
    mark: 'end',
    step,
    code: Number(code),
    ...(message === undefined || message === '' ? {} : { message }),
    ...(numbers === undefined ? {} : { numbers: numbersOf(numbers) }),
    ...(reference === undefined || digest === undefined ? {} : { image: { reference, digest } }),
  };
};

const mostBytes = 64 * 1024;

/** Lines of `name = value`; comments and headings are passed over. */
const numbersOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [, name, value] = /^\s*([^=;#[\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
