/** A secret is not kept, or not there for a stage that needs it; the message has nothing of its value. */
export class SecretError extends Error {
  readonly code: 'SECRET_INVALID' | 'SECRET_GONE';

  constructor(code: SecretError['code'], message: string) {
    super(message);
    this.name = 'SecretError';
    this.code = code;
  }
}
