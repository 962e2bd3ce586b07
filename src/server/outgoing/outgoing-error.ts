/** Something outside could not be asked, or told. The message names its host at most: the rest of an address may be a secret. */
export class OutgoingError extends Error {
  /** When who asks for it named that address. */
  readonly statusCode = 400;
  readonly code: 'ADDRESS_REFUSED' | 'OUTSIDE_UNREACHABLE' | 'OUTSIDE_TOO_LARGE';

  constructor(code: OutgoingError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OutgoingError';
    this.code = code;
  }
}
