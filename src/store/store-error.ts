/** The database did not do what it was asked for; the message is for people and has no values of theirs. */
export class StoreError extends Error {
  readonly code: 'STORE_UNAVAILABLE' | 'STORE_FAILED' | 'STORE_LOCKED' | 'STORE_OUTDATED';

  constructor(code: StoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}
