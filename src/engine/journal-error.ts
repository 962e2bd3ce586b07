/** The events of a run can no longer be recorded: nothing more may be done about it. Its containers live on for `cion resume`. */
export class JournalError extends Error {
  readonly code = 'JOURNAL_UNWRITABLE';

  constructor(run: string, cause: unknown) {
    super(`the events of ${run} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'JournalError';
  }
}
