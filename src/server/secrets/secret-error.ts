/** What was asked of a secret cannot be done; the message is for who asked, and has nothing of a value. */
export class SecretError extends Error {
  readonly code: keyof typeof statuses;
  readonly statusCode: number;

  constructor(code: SecretError['code'], message: string) {
    super(message);
    this.name = 'SecretError';
    this.code = code;
    this.statusCode = statuses[code];
  }
}

const statuses = {
  /** A stage is not given any more what it needs. */
  SECRET_GONE: 409,
  SECRET_INVALID: 422,
  SECRET_UNKNOWN: 404,
} as const;
