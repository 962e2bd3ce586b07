/** A recorded release cannot run again. `code` stands in docs/errors.md. */
export class ReleaseError extends Error {
  readonly code: 'RELEASE_UNKNOWN' | 'RELEASE_GONE' | 'RELEASE_NOT_ALONE';
  readonly statusCode = 409;

  constructor(code: ReleaseError['code'], message: string) {
    super(message);
    this.name = 'ReleaseError';
    this.code = code;
  }
}
