/** The state of runs on this machine cannot be kept or read. `code` stands in docs/errors.md. */
export class LocalError extends Error {
  readonly code: LocalErrorCode;

  constructor(code: LocalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LocalError';
    this.code = code;
  }
}

export type LocalErrorCode = 'STATE_UNWRITABLE' | 'STATE_UNREADABLE' | 'JOURNAL_BROKEN' | 'RUN_BUSY' | 'NO_SPACE';

export const stateUnwritable = (what: string, error: unknown): LocalError => {
  if (error instanceof LocalError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  if ('code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')) {
    return new LocalError('NO_SPACE', `There is no space left on the disk for ${what}. Make room and run again.`, { cause });
  }
  return new LocalError('STATE_UNWRITABLE', `Cannot write ${what}: ${cause.message}`, { cause });
};

export const stateUnreadable = (what: string, error: unknown): LocalError => {
  if (error instanceof LocalError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  return new LocalError('STATE_UNREADABLE', `Cannot read ${what}: ${cause.message}`, { cause });
};

export const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
