import { CommanderError } from 'commander';
import { type ExitCode, exitCodes } from './cli/exit-codes.ts';
import { buildProgram } from './cli/program.ts';

const { argv, env, stderr, stdout } = process;

const readerLeft = (): void => undefined;
stdout.on('error', readerLeft);
stderr.on('error', readerLeft);

const failedWith = async (error: unknown): Promise<ExitCode> => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.passed : exitCodes.refused;
  const { reportError } = await import('./cli/report-error.ts');
  return reportError(error, { stderr, debug: (env.CION_DEBUG ?? '') !== '' || argv.includes('--debug') });
};

process.on('uncaughtException', (error) => void failedWith(error).then((code) => process.exit(code)));

const program = buildProgram({
  env,
  stdout,
  stderr,
  cwd: process.cwd(),
  finish: (code) => {
    process.exitCode = code;
  },
});

try {
  await program.parseAsync(argv);
} catch (error) {
  process.exitCode = await failedWith(error);
}
