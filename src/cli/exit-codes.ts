/** What the process says to whoever called it. Documented in docs/commands.md. */
export const exitCodes = { passed: 0, failed: 1, refused: 2, errored: 3, cancelled: 130 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** That of a command which was run in a container, handed on as it is. */
export type CommandExit = { readonly ofCommand: number };

export const exitCodeMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'passed, or there was nothing to do',
  1: 'failed: a command of the project said no, a gate was not approved, or a test message was not delivered',
  2: 'refused: a Problem in the configuration, or a mistake in the command line',
  3: 'errored: cion or the platform could not',
  130: 'cancelled',
};
