import { createInterface } from 'node:readline/promises';
import type { Context } from './context.ts';

/** A line that is typed on the terminal, without the spaces around it; `undefined` when there is none. What is asked goes to stderr. */
export const askLine = async ({ stdin, stderr }: Pick<Context, 'stdin' | 'stderr'>, question: string): Promise<string | undefined> => {
  const questions = createInterface({ input: stdin, output: stderr });
  const closed = new Promise<undefined>((resolve) => questions.once('close', () => resolve(undefined)));
  try {
    return (await Promise.race([questions.question(question), closed]))?.trim();
  } catch {
    return undefined;
  } finally {
    questions.close();
  }
};
