import { CommanderError } from 'commander';
import { exitCodes } from './cli/exit-codes.ts';
import { buildProgram } from './cli/program.ts';

const { argv, env, stderr, stdout } = process;

const readerLeft = (): void => undefined;
stdout.on('error', readerLeft);
stderr.on('error', readerLeft);

const debug = (env.CION_DEBUG ?? '') !== '' || argv.includes('--debug');

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
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.passed : exitCodes.refused;
  } else {
    const { reportError } = await import('./cli/report-error.ts');
    process.exitCode = reportError(error, { stderr, debug });
  }
}
