import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { completionScript, type Shell } from '../printers/completion.ts';
import { write } from '../write.ts';

export const completion = async ({ stdout }: Context, shell: Shell): Promise<ExitCode> => {
  await write(stdout, completionScript(shell));
  return exitCodes.passed;
};
