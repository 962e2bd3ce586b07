/** The results could not be kept or read. `code` stands in docs/errors.md. */
export class ResultsError extends Error {
  readonly code: ResultsErrorCode;

  constructor(code: ResultsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ResultsError';
    this.code = code;
  }
}

export type ResultsErrorCode =
  | 'RESULTS_UNWRITABLE'
  | 'RESULTS_UNREADABLE'
  | 'NO_SPACE'
  /** A place elsewhere: the credentials are not good enough, or there are none; it is not there; it does not answer. */
  | 'RESULTS_DENIED'
  | 'RESULTS_NO_CREDENTIALS'
  | 'RESULTS_NO_BUCKET'
  | 'RESULTS_UNREACHABLE';
