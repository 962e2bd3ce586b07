import { CommanderError } from 'commander';
import { type ExitCode, exitCodes } from './cli/exit-codes.ts';
import { buildProgram } from './cli/program.ts';
import { isReaderGone } from './cli/write.ts';

const { argv, env, stderr, stdout } = process;

const outputCode = 'OUTPUT_UNWRITABLE';
let outputError: Error | undefined;
stdout.on('error', (error: Error) => {
  if (isReaderGone(error) || outputError !== undefined) return;
  outputError = error;
  stderr.write(`cion: The output cannot be written: ${error.message} [${outputCode}]\n`);
});
stderr.on('error', () => undefined);
process.on('exit', () => {
  if (outputError !== undefined) process.exitCode = exitCodes.errored;
});

const failedWith = async (error: unknown): Promise<ExitCode> => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.passed : exitCodes.refused;
  if (error === outputError) return exitCodes.errored;
  const { reportError } = await import('./cli/report-error.ts');
  return reportError(error, { stderr, debug: (env.CION_DEBUG ?? '') !== '' || argv.includes('--debug') });
};

process.on('uncaughtException', (error) => void failedWith(error).then((code) => process.exit(code)));

const program = buildProgram(
  {
    env,
    get stdin() {
      return process.stdin;
    },
    stdout,
    stderr,
    cwd: process.cwd(),
    finish: (code) => {
      process.exitCode = typeof code === 'number' ? code : code.ofCommand;
    },
  },
  env.CION_DIALECT === 'dockercise' ? 'dockercise' : 'cion',
);

try {
  await program.parseAsync(argv);
} catch (error) {
  process.exitCode = await failedWith(error);
}
