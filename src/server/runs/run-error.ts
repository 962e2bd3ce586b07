/** A run is not begun. `code` stands in docs/errors.md. */
export class RunError extends Error {
  readonly code: 'PROJECT_UNKNOWN' | 'SOURCE_REF_GONE';

  constructor(code: RunError['code'], message: string) {
    super(message);
    this.name = 'RunError';
    this.code = code;
  }
}
