/** The worker itself could not. The message is for people, without secrets. */
export class WorkerError extends Error {
  readonly code:
    | 'WORKER_DISK_FULL'
    | 'WORKER_STATE_UNWRITABLE'
    | 'WORKER_STATE_LOST'
    | 'WORKER_LOG_GAP'
    | 'OUTPUT_CHANGED'
    | 'TREE_CHANGED';

  constructor(code: WorkerError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WorkerError';
    this.code = code;
  }
}

/** What the worker's own disk says. */
export const diskError = (what: string, error: unknown): WorkerError => {
  if (error instanceof WorkerError) return error;
  const isFull = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
  return isFull
    ? new WorkerError('WORKER_DISK_FULL', `the disk of the worker is full: ${what} cannot be written`, { cause: error })
    : new WorkerError('WORKER_STATE_UNWRITABLE', `${what} cannot be written: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
};
