/** What a run is about cannot be had. `code` stands in docs/errors.md. */
export class SourceError extends Error {
  readonly code: SourceErrorCode;

  constructor(code: SourceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SourceError';
    this.code = code;
  }
}

export type SourceErrorCode =
  | 'SOURCE_NOT_FOUND'
  | 'SOURCE_NO_REPOSITORY'
  | 'SOURCE_BARE'
  | 'SOURCE_NO_COMMITS'
  | 'SOURCE_UNKNOWN_COMMIT'
  | 'SOURCE_GIT_MISSING'
  | 'SOURCE_GIT_FAILED'
  | 'SOURCE_FETCH_FAILED'
  | 'SOURCE_ADDRESS'
  | 'SOURCE_DENIED'
  | 'SOURCE_CREDENTIAL'
  | 'SOURCE_REF_GONE'
  | 'SOURCE_TOO_LARGE'
  | 'SOURCE_TOO_SLOW'
  | 'SOURCE_UNWRITABLE'
  | 'NO_SPACE';
