/** A backup could not be made or taken up; `code` stands in docs/errors.md. */
export class BackupError extends Error {
  readonly code: 'BACKUP_DAMAGED' | 'BACKUP_KEY' | 'BACKUP_NEWER' | 'BACKUP_FAILED' | 'RESTORE_NOT_EMPTY';
  readonly hint: string | undefined;

  constructor(code: BackupError['code'], message: string, hint?: string) {
    super(message);
    this.name = 'BackupError';
    this.code = code;
    this.hint = hint;
  }
}
