import { describeError } from './describe-error.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { visible } from './printers/visible.ts';
import { Refusal } from './refusal.ts';
import { isRefused } from './remote/server-error.ts';
import { isReaderGone } from './write.ts';

/** Says what went wrong in one sentence and what to do about it; the stack only on request. Gives the exit code. */
export const reportError = (error: unknown, options: { readonly stderr: NodeJS.WritableStream; readonly debug: boolean }): ExitCode => {
  if (isReaderGone(error)) return exitCodes.passed;
  const { code, message, hint, known } = describeError(error);
  options.stderr.write(`cion: ${visible(message)} [${visible(code)}]\n`);
  if (hint !== undefined) options.stderr.write(`      ${visible(hint)}\n`);
  if (options.debug && error instanceof Error) options.stderr.write(`${stackOf(error)}\n`);
  else if (!known) options.stderr.write('      This is a fault of cion; --debug shows where.\n');
  return error instanceof Refusal || isRefused(error) ? exitCodes.refused : exitCodes.errored;
};

const stackOf = (error: Error): string => {
  const stack = error.stack ?? error.message;
  return error.cause instanceof Error ? `${stack}\nbecause of ${stackOf(error.cause)}` : stack;
};
